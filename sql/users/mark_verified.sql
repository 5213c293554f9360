-- Confirms an account's address; no row where that was done before. A change of address that somebody asked for before it was theirs
-- is off. From where the account was opened is of no use any more.
--
--   $1 id  uuid

update users
   set is_verified = true, pending_email = null, opened_address = null, opened_user_agent = null, updated_at = now()
 where id = $1
   and not is_verified
returning id;
