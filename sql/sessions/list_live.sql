-- Lists an account's live sessions, most recently used first.
--
--   $1 user_id  uuid
--   $2 id       uuid  the caller's session

select sessions.id, sessions.user_agent as device, sessions.address, sessions.created_at, sessions.last_seen_at, sessions.method,
       sessions.mode, sessions.id = $2 as current
  from sessions
  join users on users.id = sessions.user_id
 where sessions.user_id = $1
   and sessions.ended_at is null
   and sessions.expires_at > now()
   and sessions.idle_expires_at > now()
   and users.is_active
   and (sessions.created_at >= users.credentials_changed_at or sessions.id = users.credentials_changed_by)
 order by sessions.last_seen_at desc, sessions.id desc;
