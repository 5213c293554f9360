-- Makes a task due again if it was deferred once more during the attempt that has just ended under this lease.
--
--   $1 id     uuid
--   $2 lease  integer

update outbox_tasks
   set locked_until = null
 where id = $1
   and begun_lease = $2
   and lease = $2 + 1
   and attempts = 0;
