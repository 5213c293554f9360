-- Returns an account as JSON, without the password's hash and the words of the search.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select id, email, name, pending_email, language, roles, is_active, is_superuser, is_verified,
               password_hash is not null as has_password, created_at, updated_at, credentials_changed_at,
               deletion_requested_at, delete_after, unverified_since, expires_after, opened_address, opened_user_agent
          from users
         where id = $1) as found;
