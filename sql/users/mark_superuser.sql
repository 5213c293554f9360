-- Makes an account a superuser.
--
--   $1 id  uuid

update users
   set is_superuser = true, updated_at = now()
 where id = $1
returning id;
