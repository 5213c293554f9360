-- Spends a token if it is unused, not expired, has one of the purposes, and was sent to the account's current address,
-- or to its pending address for a confirmation of a change. A token that reverts a change of address is valid for any
-- current address. Of two concurrent calls, one gets the row. Locks the account first, like every other change of an
-- account, so that calls with two tokens of one account do not deadlock.
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
