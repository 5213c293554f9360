-- Makes an account a superuser.
--
--   $1 id  uuid

update users
   set is_superuser = true, updated_at = now()
 where id = $1
returning id, email, name, is_active, is_superuser, is_verified, roles, created_at, updated_at;
