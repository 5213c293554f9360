-- Deletes a batch of counters whose period ended a week ago. Returns their number.
--
--   $1 most  bigint

with old as (
    delete from plan_counts
     where (user_id, path, period, starts) in (
        select user_id, path, period, starts
          from plan_counts
         where starts < now() - interval '8 days'
           and (period = 'day' or starts < now() - interval '38 days')
         limit $1)
    returning 1
)
select count(*)::integer from old;
