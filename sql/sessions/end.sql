-- Ends one of an account's sessions; no row where it had ended before, or is somebody else's.
--
--   $1 id       uuid
--   $2 user_id  uuid
--   $3 reason   text  logout, revoked

update sessions
   set ended_at = now(), end_reason = $3
 where id = $1
   and user_id = $2
   and ended_at is null
returning user_id;
