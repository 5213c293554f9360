-- Where to write to an account, if it is there, active, and the address is confirmed to be its owner's.
--
--   $1 user_id  uuid

select email, language
  from users
 where id = $1
   and is_active
   and is_verified;
