-- Starts an attempt: returns the task if this lease is still current, and extends the lease.
--
--   $1 id       uuid
--   $2 lease    integer
--   $3 seconds  float    duration of the lease from now

update outbox_tasks
   set locked_until = now() + $3 * interval '1 second',
       begun_lease = lease
 where id = $1
   and lease = $2
   and dead_at is null
   and locked_until > now()
returning id, data::text, traceparent, attempts;
