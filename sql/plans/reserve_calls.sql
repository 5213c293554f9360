-- Reserves calls of the current period for a web process, and stores what it used of its last block. Returns the size of the new block,
-- 0 if nothing is left, and whether that is final: if other processes hold calls, they give them back within some seconds.
-- Violates plan_counts_user_id_fkey if there is no such account.
--
--   $1 user_id   uuid
--   $2 path      text
--   $3 period    text         day or month
--   $4 quota     bigint
--   $5 wanted    bigint       calls that wait
--   $6 most      bigint       the size of a block
--   $7 starts    timestamptz  the period of the last block; null: none
--   $8 used      bigint       calls that were let in of it
--   $9 returned  bigint       calls of it that are given back

insert into plan_counts as c (user_id, path, period, starts, used, held, granted)
select $1, $2, $3, date_trunc($3, now(), 'UTC'), 0, block.size, block.size
  from (select least($4::bigint, greatest($5::bigint, least($6::bigint, $4 / 5))) as size) as block
on conflict (user_id, path, period, starts) do update
   set (used, held, granted, short_at) = (
       select c.used + known.used,
              c.held - known.used - known.returned + block.size,
              block.size,
              case when block.size = 0 then coalesce(c.short_at, now()) when known.is_short then c.short_at end
         from (select case when c.starts = $7::timestamptz then $8::bigint else 0 end as used,
                      case when c.starts = $7 then $9::bigint else 0 end as returned,
                      coalesce(c.short_at > now() - interval '10 s', false) as is_short) as known,
              lateral (select greatest(0, $4 - c.used - c.held + known.returned) as free) as room,
              lateral (select least(room.free,
                                    greatest($5, case when known.is_short then 0 else least($6, room.free / 5) end)) as size
                      ) as block)
returning c.granted,
          c.starts,
          extract(epoch from (c.starts at time zone 'UTC' + ('1 ' || c.period)::interval) at time zone 'UTC' - now())::float8 as rest,
          extract(epoch from (c.starts at time zone 'UTC' + ('1 ' || c.period)::interval) at time zone 'UTC' - c.starts)::bigint as length,
          c.used,
          c.held = 0 or coalesce(c.short_at < now() - interval '5 s', false) as is_final;
