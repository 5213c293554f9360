-- Ends a live session and starts another in its place, with the same device and expiry. The tokens of the old session
-- become invalid. Returns no row if the old session is not live.
--
--   $1 id          uuid      the old session
--   $2 new_id      uuid
--   $3 idle        interval  maximum time between refreshes
--   $4 address     text
--   $5 user_agent  text

with old as (
    update sessions
       set ended_at = now(), end_reason = 'renewed'
      from users
     where sessions.id = $1
       and users.id = sessions.user_id
       and sessions.ended_at is null
       and sessions.expires_at > now()
       and sessions.idle_expires_at > now()
       and users.is_active
       and (sessions.created_at >= users.credentials_changed_at or sessions.id = users.credentials_changed_by)
    returning sessions.user_id, sessions.created_at, sessions.expires_at, sessions.device_id, sessions.method, sessions.mode
), new as (
    insert into sessions (
        id, user_id, created_at, last_seen_at, idle_expires_at, expires_at, address, user_agent, device_id, method, mode)
    select $2, user_id, created_at, now(), now() + $3::interval, expires_at, $4, $5, device_id, method, mode
      from old
    returning id, generation, user_id, method, mode
)
select new.id, new.generation, new.user_id, users.email, users.name, users.roles, new.method, new.mode
  from new
  join users on users.id = new.user_id;
