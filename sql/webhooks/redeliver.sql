-- Makes a finished delivery pending for one attempt, or a pending one due now.
--
--   $1 id  uuid

update webhook_deliveries
   set once = once or state <> 'pending', state = 'pending', due_at = now(), finished_at = null
 where id = $1
returning id;
