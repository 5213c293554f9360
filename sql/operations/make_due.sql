-- Makes a locked task due now.
--
--   $1 id  uuid

update outbox_tasks
   set available_at = now()
 where id = $1;
