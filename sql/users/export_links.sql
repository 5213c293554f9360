-- Returns the links mailed to an account as JSON, oldest first. Omits the token's hash, and the network that the mail was
-- requested from, because anyone can request one.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select purpose, email, created_at, expires_at, used_at
          from user_tokens
         where user_id = $1
         order by created_at) as found;
