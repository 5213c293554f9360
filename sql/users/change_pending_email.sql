-- Keeps the address that an account is to have when it is confirmed, instead of an earlier one; null for none.
--
--   $1 id     uuid
--   $2 email  text  in its normal form

update users
   set pending_email = $2, updated_at = now()
 where id = $1
returning id;
