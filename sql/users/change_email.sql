-- Changes an account's address and ends all its sessions. Violates users_email_key if another account has the address.
--
--   $1 id     uuid
--   $2 email  text  normalized

update users
   set email = $2, pending_email = null, credentials_changed_at = clock_timestamp(), credentials_changed_by = null, updated_at = now()
 where id = $1
returning id;
