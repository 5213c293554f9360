-- Locks the due schedules, skipping those locked by another worker, and returns the current time. Schedules with
-- another declaration belong to another release.
--
--   $1 tasks     text[]
--   $2 declared  text[]  the declaration of each task

select task, last_at, now()
  from schedules
 where due_at <= now()
   and (task, declared) in (select * from unnest($1::text[], $2::text[]))
 order by due_at
   for update skip locked;
