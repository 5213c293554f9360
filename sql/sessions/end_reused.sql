-- Ends a live session whose refresh token was used again after its rotation, because two clients hold it.
--
--   $1 id          uuid
--   $2 generation  integer  generation of the reused token

update sessions
   set ended_at = now(), end_reason = 'reuse'
  from users
 where sessions.id = $1
   and sessions.generation > $2
   and users.id = sessions.user_id
   and sessions.ended_at is null
   and sessions.expires_at > now()
   and sessions.idle_expires_at > now()
   and users.is_active
   and (sessions.created_at >= users.credentials_changed_at or sessions.id = users.credentials_changed_by)
returning sessions.user_id;
