-- Makes the account with this address an active, confirmed superuser, if there is one.
--
--   $1 email  text  in its normal form

update users
   set is_superuser = true, is_verified = true, is_active = true, updated_at = now()
 where email = $1
returning id, email, name, is_active, is_superuser, is_verified, roles, created_at, updated_at;
