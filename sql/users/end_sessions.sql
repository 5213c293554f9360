-- Ends all sessions of an account except one.
--
--   $1 id        uuid
--   $2 kept_sid  uuid  the session to keep, or null

update users
   set credentials_changed_at = clock_timestamp(), credentials_changed_by = $2
 where id = $1
returning id;
