-- Removes the data stored in an account before its address was verified: password, name and pending address. Ends all
-- sessions. Keeps roles, which only an administrator can grant.
--
--   $1 id        uuid
--   $2 language  text  language of emails

update users
   set password_hash = null, name = null, pending_email = null, language = $2, opened_address = null, opened_user_agent = null,
       credentials_changed_at = clock_timestamp(), credentials_changed_by = null, updated_at = now()
 where id = $1
returning id;
