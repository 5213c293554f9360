-- Gets an account's email address, by which its refused sign-ins are counted.
--
--   $1 id  uuid

select email
  from users
 where id = $1;
