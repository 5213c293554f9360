-- Removes a task that is done, unless another attempt has taken it over since.
--
--   $1 id       uuid
--   $2 attempt  integer

delete from outbox_tasks
 where id = $1
   and attempts = $2;
