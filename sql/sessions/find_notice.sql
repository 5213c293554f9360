-- Finds the recipient and the content of an email about a session, if its account is active.
--
--   $1 id  uuid

select users.email, users.language, users.is_verified, sessions.user_agent, sessions.address, sessions.created_at, sessions.ended_at
  from sessions
  join users on users.id = sessions.user_id
 where sessions.id = $1
   and users.is_active;
