-- Ends the session that a browser's own refresh token names, whosever it is; no row where it had ended before.
--
--   $1 id      uuid
--   $2 reason  text  logout

update sessions
   set ended_at = now(), end_reason = $2
 where id = $1
   and ended_at is null
returning user_id;
