-- Finds the current privileges of the account of a live session.
--
--   $1 id       uuid  the session
--   $2 user_id  uuid  the account that the token names

select users.is_superuser, users.is_verified, users.roles
  from sessions
  join users on users.id = sessions.user_id
 where sessions.id = $1
   and sessions.user_id = $2
   and sessions.ended_at is null
   and sessions.expires_at > now()
   and sessions.idle_expires_at > now()
   and users.is_active
   and (sessions.created_at >= users.credentials_changed_at or sessions.id = users.credentials_changed_by);
