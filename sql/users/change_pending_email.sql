-- Sets the address that becomes the account's when it is confirmed, or removes it.
--
--   $1 id     uuid
--   $2 email  text  normalized, or null

update users
   set pending_email = $2, updated_at = now()
 where id = $1
returning id;
