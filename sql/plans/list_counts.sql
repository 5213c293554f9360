-- Lists the current periods of an account's quotas. Calls that a process held and has not given back count as used.
--
--   $1 user_id  uuid
--   $2 paths    text[]  of each quota
--   $3 periods  text[]  day or month, of each quota

select quota.path,
       quota.period,
       coalesce(c.used + case when c.short_at < now() - interval '5 s' then c.held else 0 end, 0)::bigint as used,
       (date_trunc(quota.period, now() at time zone 'UTC') + ('1 ' || quota.period)::interval) at time zone 'UTC' as resets_at
  from unnest($2::text[], $3::text[]) as quota (path, period)
  left join plan_counts c
    on c.user_id = $1
   and c.path = quota.path
   and c.period = quota.period
   and c.starts = date_trunc(quota.period, now(), 'UTC');
