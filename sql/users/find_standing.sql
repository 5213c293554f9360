-- Whether an account has a password, and whether it is about to be deleted.
--
--   $1 id  uuid

select password_hash is not null as has_password, delete_after is not null as leaving
  from users
 where id = $1;
