-- Spends a token: once, in time, for its purpose, and while its account still has the address it was sent to. Of two at the same moment
-- one gets the row.
--
--   $1 token_hash  bytea  SHA-256
--   $2 purpose     text   verify

update user_tokens
   set used_at = now()
  from users
 where user_tokens.token_hash = $1
   and user_tokens.purpose = $2
   and user_tokens.used_at is null
   and user_tokens.expires_at > now()
   and users.id = user_tokens.user_id
   and users.email = user_tokens.email
   and users.is_active
returning user_tokens.user_id, user_tokens.email;
