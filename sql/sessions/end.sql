-- Ends one of an account's sessions. Returns no row if the session has ended or belongs to another account.
--
--   $1 id       uuid
--   $2 user_id  uuid
--   $3 reason   text  logout, revoked

update sessions
   set ended_at = now(), end_reason = $3
  from users
 where sessions.id = $1
   and sessions.user_id = $2
   and users.id = sessions.user_id
   and sessions.ended_at is null
   and (sessions.created_at >= users.credentials_changed_at or sessions.id = users.credentials_changed_by)
returning sessions.user_id;
