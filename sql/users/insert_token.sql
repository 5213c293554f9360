-- Keeps the hash of a token that is about to be mailed, and voids the earlier ones of that purpose and address. Those of the same task
-- stay good: an attempt that seemed to fail may have sent its mail. So do those for another address: who is told at the old one that
-- an address was changed can undo that, whatever was changed since.
--
--   $1 token_hash  bytea     SHA-256
--   $2 user_id     uuid
--   $3 purpose     text      verify
--   $4 email       text      where it is sent
--   $5 lifetime    interval
--   $6 task_id     uuid      the task that sends it

with earlier as (
    update user_tokens
       set used_at = now()
     where user_id = $2
       and purpose = $3
       and email = $4
       and task_id is distinct from $6
       and used_at is null
)
insert into user_tokens (token_hash, user_id, purpose, email, expires_at, task_id)
values ($1, $2, $3, $4, now() + $5, $6);
