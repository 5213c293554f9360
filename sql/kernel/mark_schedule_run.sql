-- Remembers the moment for which a schedule's task was deferred, and when it is due next.
--
--   $1 task  text
--   $2 at    timestamptz
--   $3 next  timestamptz

update schedules
   set last_at = $2,
       due_at = $3
 where task = $1;
