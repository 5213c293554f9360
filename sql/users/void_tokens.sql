-- Voids an account's tokens. Tokens that revert a change of address stay valid, so that an attacker who took over the
-- account cannot void them. They are voided only after an earlier one was used, because its address is the older one,
-- or when an administrator or the verified owner of the address decides about the account.
--
--   $1 user_id        uuid
--   $2 reverts_since  timestamptz  also void tokens that revert an address, created from this time on; or null

update user_tokens
   set used_at = now()
 where user_id = $1
   and used_at is null
   and (purpose <> 'revert_email' or created_at >= $2);
