-- Inserts the hash of a token that reverts a change of address, if the right to revert still exists: a row with this
-- purpose and address, written in the transaction of the change and not voided since. The token inherits the creation
-- time of that row.
--
--   $1 token_hash  bytea     SHA-256
--   $2 user_id     uuid
--   $3 email       text      recipient address
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
