-- Deletes a completed task, unless another lease has been taken since. Returns its id, or no row.
--
--   $1 id     uuid
--   $2 lease  integer

delete from outbox_tasks
 where id = $1
   and lease = $2
returning id;
