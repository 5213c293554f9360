-- Gives a task back after a failure: later ($4 seconds from now), or never ($4 is null: a dead letter).
--
--   $1 id     uuid
--   $2 lease  integer
--   $3 error  text     the kind of failure and the server's words, never what was being sent
--   $4 wait   float    seconds

update outbox_tasks
   set last_error = $3,
       locked_until = null,
       available_at = now() + coalesce($4::float8, 0) * interval '1 second',
       dead_at = case when $4::float8 is null then now() end
 where id = $1
   and lease = $2;
