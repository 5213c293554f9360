-- Finds when and from where an account was registered, by a verification token that spend_token would accept now.
--
--   $1 token_hash  bytea  SHA-256

select users.created_at, users.opened_address, users.opened_user_agent
  from user_tokens
  join users on users.id = user_tokens.user_id
 where user_tokens.token_hash = $1
   and user_tokens.purpose = 'verify'
   and user_tokens.used_at is null
   and user_tokens.expires_at > now()
   and users.is_active
   and users.email = user_tokens.email
   and not users.is_verified;
