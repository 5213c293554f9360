-- Finds the id of the account with this address.
--
--   $1 email  text  normalized

select id
  from users
 where email = $1;
