-- Finds the roles of an account.
--
--   $1 id  uuid

select roles
  from users
 where id = $1;
