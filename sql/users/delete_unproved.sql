-- Deletes an account that was registered with an address that was never verified. Keeps accounts created by an
-- administrator, which have no password yet, and superusers.
--
--   $1 email  text  in lower case

delete from users
 where email = $1
   and not is_verified
   and not is_superuser
   and password_hash is not null
returning id;
