-- Locks an account until the end of the transaction and returns it.
--
--   $1 id  uuid

select id, email, name, is_active, is_superuser, is_verified, roles, created_at, updated_at, language, pending_email
  from users
 where id = $1
   for no key update;
