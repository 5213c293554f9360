-- Starts a session.
--
--   $1 id          uuid
--   $2 user_id     uuid
--   $3 idle        interval  ends when not refreshed for so long
--   $4 lifetime    interval  ends anyhow
--   $5 address     text
--   $6 user_agent  text

insert into sessions (id, user_id, idle_expires_at, expires_at, address, user_agent)
values ($1, $2, now() + $3, now() + $4, $5, $6)
returning generation;
