-- Removes what was stored in an account before its address was proved: the password, the name, a pending address. Every session ends.
-- Roles stay, for only an administrator gives them.
--
--   $1 id        uuid
--   $2 language  text  in which to write to its owner

update users
   set password_hash = null, name = null, pending_email = null, language = $2, opened_address = null, opened_user_agent = null,
       credentials_changed_at = clock_timestamp(), credentials_changed_by = null, updated_at = now()
 where id = $1
returning id;
