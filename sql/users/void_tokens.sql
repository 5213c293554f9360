-- Voids the tokens that are on their way to an account's owner. Those that take an address back stay good, or whoever took over an
-- account could rid themselves of them; they go only where an earlier one was used, for its address is the older one, or where an
-- administrator or the first owner of the address says who the account is.
--
--   $1 user_id        uuid
--   $2 reverts_since  timestamptz  void those as well, from then on; or null

update user_tokens
   set used_at = now()
 where user_id = $1
   and used_at is null
   and (purpose <> 'revert_email' or created_at >= $2);
