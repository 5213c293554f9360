-- Marks an account's address as verified. Returns no row if it was verified before. Cancels a change of address
-- requested before the verification, erases the origin of the registration,
-- and ends the time after which the account would be deleted.
--
--   $1 id  uuid

update users
   set is_verified = true, pending_email = null, opened_address = null, opened_user_agent = null, unverified_since = null,
       expires_after = null, updated_at = now()
 where id = $1
   and not is_verified
returning id;
