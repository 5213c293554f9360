-- What signing in needs to know of the account with this address, if there is one.
--
--   $1 email  text  in any case

select id as user_id, password_hash, is_active, email, name, roles
  from users
 where email = lower($1);
