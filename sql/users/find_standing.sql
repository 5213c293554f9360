-- Finds whether an account has a password and whether its deletion is pending.
--
--   $1 id  uuid

select password_hash is not null as has_password, delete_after is not null as leaving
  from users
 where id = $1;
