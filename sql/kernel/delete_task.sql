-- Removes a task that is done, unless another lease has taken it over since. Answers its id, or nothing.
--
--   $1 id     uuid
--   $2 lease  integer

delete from outbox_tasks
 where id = $1
   and lease = $2
returning id;
