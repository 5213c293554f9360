-- Finds an account by its id.
--
--   $1 id  uuid

select id, email, name, is_active, is_superuser, is_verified, roles, created_at, updated_at
  from users
 where id = $1;
