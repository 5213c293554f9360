-- Moves a session to its next generation if the token has the current one. Also returns the session if the token was
-- used within the grace period, so that a retry and a second tab receive the same successor. The single statement
-- ensures that one of several concurrent calls moves the session.
--
--   $1 id          uuid
--   $2 generation  integer   the token's generation
--   $3 grace       interval  how long a used token is accepted again
--   $4 idle        interval  maximum time between refreshes
--   $5 address     text
--   $6 user_agent  text

update sessions
   set generation = $2::integer + 1,
       rotated_at = case when sessions.generation = $2 then now() else sessions.rotated_at end,
       last_seen_at = now(),
       idle_expires_at = now() + $4::interval,
       idle_week = date_bin('7 days', now() + $4::interval, 'epoch') + interval '7 days',
       address = $5,
       user_agent = $6
  from users
 where sessions.id = $1
   and (sessions.generation = $2
        or (sessions.generation = $2 + 1 and sessions.rotated_at > now() - $3::interval))
   and users.id = sessions.user_id
   and sessions.ended_at is null
   and sessions.expires_at > now()
   and sessions.idle_expires_at > now()
   and users.is_active
   and (sessions.created_at >= users.credentials_changed_at or sessions.id = users.credentials_changed_by)
returning sessions.id, sessions.generation, users.id as user_id, users.email, users.name, users.roles;
