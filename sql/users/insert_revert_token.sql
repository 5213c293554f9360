-- Keeps the hash of a token that takes an address back, if there is still a right to do so: a row of this purpose and address that was
-- written in the transaction of the change, and was not voided since. The token is as old as the right.
--
--   $1 token_hash  bytea     SHA-256
--   $2 user_id     uuid
--   $3 email       text      where it is sent
--   $4 lifetime    interval
--   $5 task_id     uuid      the task that sends it

insert into user_tokens (token_hash, user_id, purpose, email, expires_at, task_id, created_at)
select $1, user_id, purpose, email, now() + $4, $5, created_at
  from user_tokens
 where user_id = $2
   and purpose = 'revert_email'
   and email = $3
   and used_at is null
 order by created_at desc
 limit 1
returning user_id;
