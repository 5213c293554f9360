-- Marks an account's address as verified. Returns no row if it was verified before. Cancels a change of address
-- requested before the verification, and erases the origin of the registration.
--
--   $1 id  uuid

update users
   set is_verified = true, pending_email = null, opened_address = null, opened_user_agent = null, updated_at = now()
 where id = $1
   and not is_verified
returning id;
