-- Changes or removes an account's password and ends all its sessions except one. Also cancels a pending change of
-- address, because an attacker may have requested it.
--
--   $1 id             uuid
--   $2 password_hash  text  Argon2id, PHC format, or null
--   $3 kept_sid       uuid  the session to keep, or null

update users
   set password_hash = $2, pending_email = null, credentials_changed_at = clock_timestamp(), credentials_changed_by = $3,
       updated_at = now()
 where id = $1
returning id;
