-- Spends a token: once, in time, for its purpose, and while the address that it was sent to is still what it is about: the account's,
-- or the one that is to be it. Only a token that takes an address back is good whatever the address is by now. Of two at the same moment
-- one gets the row. The account is locked first, as whoever changes an account does, so that two tokens of one account never wait for
-- each other.
--
--   $1 token_hash  bytea   SHA-256
--   $2 purposes    text[]

with owner as materialized (
    select users.id, users.email, users.is_verified, users.password_hash is not null as has_password
      from user_tokens
      join users on users.id = user_tokens.user_id
     where user_tokens.token_hash = $1
       and user_tokens.purpose = any($2)
       and users.is_active
       and case user_tokens.purpose
           when 'revert_email' then true
           when 'confirm_email' then user_tokens.email = users.pending_email
           else user_tokens.email = users.email
           end
       for no key update of users
)
update user_tokens
   set used_at = now()
  from owner
 where user_tokens.token_hash = $1
   and user_tokens.user_id = owner.id
   and user_tokens.used_at is null
   and user_tokens.expires_at > now()
returning user_tokens.user_id, owner.email, owner.is_verified, owner.has_password, user_tokens.purpose, user_tokens.email as sent_to,
          user_tokens.created_at;
