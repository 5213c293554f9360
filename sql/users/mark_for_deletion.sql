-- Schedules the deletion of an account and ends all its sessions. Signing in again cancels it.
--
--   $1 id     uuid
--   $2 grace  interval  time until the deletion

update users
   set deletion_requested_at = clock_timestamp(), delete_after = clock_timestamp() + $2, pending_email = null,
       credentials_changed_at = clock_timestamp(), credentials_changed_by = null, updated_at = now()
 where id = $1
returning delete_after;
