-- Locks the active account with this address until the end of the transaction and returns the data for its emails. The
-- lock serializes the counting of emails to one account.
--
--   $1 email  text  in any case: tasks of earlier releases hold it as typed

select id, email, pending_email, language, password_hash is not null as has_password, is_verified, credentials_changed_at, delete_after,
       created_at, opened_address, opened_user_agent
  from users
 where email = lower($1 collate "C")
   and is_active
   for no key update;
