-- What a mail about a session tells, and to whom, if its account is active.
--
--   $1 id  uuid

select users.email, users.language, users.is_verified, sessions.user_agent, sessions.address, sessions.created_at, sessions.ended_at
  from sessions
  join users on users.id = sessions.user_id
 where sessions.id = $1
   and users.is_active;
