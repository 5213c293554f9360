-- Ends every sign-in of an account.
--
--   $1 id  uuid

update users
   set credentials_changed_at = clock_timestamp(), credentials_changed_by = null
 where id = $1
returning id;
