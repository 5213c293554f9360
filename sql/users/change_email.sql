-- Gives an account another address, which ends every sign-in from before. Somebody else may have it by now: users_email_key.
--
--   $1 id     uuid
--   $2 email  text  in its normal form

update users
   set email = $2, pending_email = null, credentials_changed_at = clock_timestamp(), credentials_changed_by = null, updated_at = now()
 where id = $1
returning id;
