-- Inserts the hash of a token to be emailed. Earlier tokens stay valid until they expire or are voided, because an
-- attacker may have requested this one.
--
--   $1 token_hash  bytea     SHA-256
--   $2 user_id     uuid
--   $3 purpose     text      verify
--   $4 email       text      recipient address
--   $5 lifetime    interval
--   $6 task_id     uuid      the task that sends it, or null
--   $7 network     text      network of the client that requested it, or null

insert into user_tokens (token_hash, user_id, purpose, email, expires_at, task_id, network)
values ($1, $2, $3, $4, now() + $5, $6, $7);
