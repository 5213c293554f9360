-- Voids the tokens that are on their way to an account's owner. Those that take an address back stay good, or whoever took over an
-- account could rid themselves of them; they go only when an earlier one was used, for its address is the older one.
--
--   $1 user_id        uuid
--   $2 reverts_since  timestamptz  when that one was made, or null

update user_tokens
   set used_at = now()
 where user_id = $1
   and used_at is null
   and (purpose <> 'revert_email' or created_at >= $2);
