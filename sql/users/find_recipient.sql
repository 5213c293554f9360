-- Finds the data for emails to an active account.
--
--   $1 id  uuid

select id, email, pending_email, language, password_hash is not null as has_password, is_verified, credentials_changed_at, delete_after,
       created_at, opened_address, opened_user_agent
  from users
 where id = $1
   and is_active;
