-- Locks the schedules that are due, except those that another worker has locked, and tells the time. Those of another declaration are
-- another release's.
--
--   $1 tasks     text[]
--   $2 declared  text[]  of each

select task, last_at, now()
  from schedules
 where due_at <= now()
   and (task, declared) in (select * from unnest($1::text[], $2::text[]))
 order by due_at
   for update skip locked;
