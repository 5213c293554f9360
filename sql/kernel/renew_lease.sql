-- Begins an attempt: the task's row, if this lease still holds it, and so many seconds more from now.
--
--   $1 id       uuid
--   $2 lease    integer
--   $3 seconds  float

update outbox_tasks
   set locked_until = now() + $3 * interval '1 second',
       begun_lease = lease
 where id = $1
   and lease = $2
   and dead_at is null
   and locked_until > now()
returning id, data::text, traceparent, attempts;
