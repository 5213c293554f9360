-- Makes a locked task a dead letter. A job for its last lease does not run: the lease has ended.
--
--   $1 id      uuid
--   $2 reason  text

update outbox_tasks
   set dead_at = now(),
       locked_until = null,
       last_error = $2
 where id = $1;
