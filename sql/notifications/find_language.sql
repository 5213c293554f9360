-- Finds an account's language.
--
--   $1 user_id  uuid

select language
  from users
 where id = $1;
