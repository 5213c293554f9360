-- Deletes an account that somebody opened with an address that they never confirmed. None that an administrator opened, which has no
-- password yet, and no superuser's.
--
--   $1 email  text  in lower case

delete from users
 where email = $1
   and not is_verified
   and not is_superuser
   and password_hash is not null
returning id;
