-- Ends all live sessions of an account except one.
--
--   $1 user_id  uuid
--   $2 id       uuid  the session to keep

update sessions
   set ended_at = now(), end_reason = 'revoked'
  from users
 where sessions.user_id = $1
   and sessions.id <> $2
   and users.id = sessions.user_id
   and sessions.ended_at is null
   and sessions.expires_at > now()
   and sessions.idle_expires_at > now()
   and users.is_active
   and (sessions.created_at >= users.credentials_changed_at or sessions.id = users.credentials_changed_by)
returning sessions.id;
