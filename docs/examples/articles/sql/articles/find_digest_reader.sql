-- Where to write to an account, if it is active and its address is confirmed.
--
--   $1 id  uuid

select email, language
  from users
 where id = $1
   and is_active
   and is_verified;
