-- Gives an account another password, or none, which ends every session from before, save the one that is named. A change of address
-- that waits for its confirmation is off: whoever asked for it may be who the password was changed against.
--
--   $1 id             uuid
--   $2 password_hash  text  Argon2id, PHC format, or null
--   $3 kept_sid       uuid  or null

update users
   set password_hash = $2, pending_email = null, credentials_changed_at = clock_timestamp(), credentials_changed_by = $3,
       updated_at = now()
 where id = $1
returning id;
