-- Makes a task due whose attempt under this lease has ended, and which was deferred again meanwhile.
--
--   $1 id     uuid
--   $2 lease  integer

update outbox_tasks
   set locked_until = null
 where id = $1
   and begun_lease = $2
   and lease = $2 + 1
   and attempts = 0;
