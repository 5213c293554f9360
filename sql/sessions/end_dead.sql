-- Marks the sessions that a change of the account has already ended, so that their end is announced.
--
--   $1 user_id  uuid
--   $2 reason   text  credentials, disabled, revoked

update sessions
   set ended_at = now(), end_reason = $2
  from users
 where sessions.user_id = $1
   and users.id = sessions.user_id
   and sessions.ended_at is null
   and not (users.is_active
            and (sessions.created_at >= users.credentials_changed_at or sessions.id = users.credentials_changed_by) is true)
returning sessions.id;
