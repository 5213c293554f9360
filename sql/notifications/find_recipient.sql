-- Finds the email address and language of an active account with a verified address.
--
--   $1 user_id  uuid

select email, language
  from users
 where id = $1
   and is_active
   and is_verified;
