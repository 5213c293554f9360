-- Finds the account of a verification token, spent or expired, if the address that it was sent to is verified now.
--
--   $1 token_hash  bytea  SHA-256

select users.id
  from user_tokens
  join users on users.id = user_tokens.user_id
 where user_tokens.token_hash = $1
   and user_tokens.purpose = 'verify'
   and users.is_active
   and users.email = user_tokens.email
   and users.is_verified;
