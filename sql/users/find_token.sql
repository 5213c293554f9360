-- Finds the account and purpose of a token that spend_token would accept now.
--
--   $1 token_hash  bytea   SHA-256
--   $2 purposes    text[]

select user_tokens.user_id, users.email, users.is_verified, users.password_hash is not null as has_password, user_tokens.purpose,
       user_tokens.email as sent_to, user_tokens.created_at
  from user_tokens
  join users on users.id = user_tokens.user_id
 where user_tokens.token_hash = $1
   and user_tokens.purpose = any($2)
   and user_tokens.used_at is null
   and user_tokens.expires_at > now()
   and users.is_active
   and case user_tokens.purpose
       when 'revert_email' then true
       when 'confirm_email' then user_tokens.email = users.pending_email
       else user_tokens.email = users.email
       end;
