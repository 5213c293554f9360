-- Returns a failed task to the queue with a delay, or marks it as a dead letter.
--
--   $1 id     uuid
--   $2 lease  integer
--   $3 error  text     the kind of failure and the server's response, never the data sent
--   $4 wait   float    delay in seconds; null: dead letter

update outbox_tasks
   set last_error = $3,
       locked_until = null,
       available_at = now() + coalesce($4::float8, 0) * interval '1 second',
       dead_at = case when $4::float8 is null then now() end
 where id = $1
   and lease = $2;
