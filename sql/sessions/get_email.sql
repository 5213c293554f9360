-- The address of an account, by which its refused sign-ins are counted.
--
--   $1 id  uuid

select email
  from users
 where id = $1;
