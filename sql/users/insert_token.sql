-- Keeps the hash of a token that is about to be mailed. Earlier ones stay good until they expire: a mail may arrive twice or late.
--
--   $1 token_hash  bytea     SHA-256
--   $2 user_id     uuid
--   $3 purpose     text      verify
--   $4 email       text      where it is sent
--   $5 lifetime    interval

insert into user_tokens (token_hash, user_id, purpose, email, expires_at)
values ($1, $2, $3, $4, now() + $5);
