-- Stores what a web process used of its blocks, and gives back what it returns. Returns the calls
-- that were used of each counter, and the seconds until its period ends.
--
--   $1 moves  jsonb  user_id, path, period, starts, used and returned of each counter

with given as (
    select *
      from jsonb_to_recordset($1::jsonb)
        as line (user_id uuid, path text, period text, starts timestamptz, used bigint, returned bigint)
), counter as (
    select c.user_id, c.path, c.period, c.starts
      from plan_counts c
      join given using (user_id, path, period, starts)
     order by c.user_id, c.path, c.period, c.starts
       for no key update of c
)
update plan_counts c
   set used = c.used + given.used, held = c.held - given.used - given.returned
  from counter
  join given using (user_id, path, period, starts)
 where (c.user_id, c.path, c.period, c.starts) = (counter.user_id, counter.path, counter.period, counter.starts)
returning c.user_id, c.path, c.period, c.starts, c.used,
          extract(epoch from (c.starts at time zone 'UTC' + ('1 ' || c.period)::interval) at time zone 'UTC' - now())::float8 as rest;
