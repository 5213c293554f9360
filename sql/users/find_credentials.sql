-- Finds an account's credentials if this session is live now: it may have ended since the principal was loaded.
--
--   $1 id   uuid
--   $2 sid  uuid  the session

select users.email, users.name, users.password_hash, users.credentials_changed_at
  from users
  join sessions on sessions.user_id = users.id
 where users.id = $1
   and users.is_active
   and sessions.id = $2
   and sessions.ended_at is null
   and sessions.expires_at > now()
   and sessions.idle_expires_at > now()
   and (sessions.created_at >= users.credentials_changed_at or sessions.id = users.credentials_changed_by);
