-- Keeps the hash of a token that is about to be mailed. Earlier tokens stay good until they expire or are voided: a stranger may have
-- asked for this one.
--
--   $1 token_hash  bytea     SHA-256
--   $2 user_id     uuid
--   $3 purpose     text      verify
--   $4 email       text      where it is sent
--   $5 lifetime    interval
--   $6 task_id     uuid      the task that sends it, or null
--   $7 network     text      from where it was asked for, or null

insert into user_tokens (token_hash, user_id, purpose, email, expires_at, task_id, network)
values ($1, $2, $3, $4, now() + $5, $6, $7);
