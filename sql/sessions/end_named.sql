-- Ends the session that a browser's refresh token names, regardless of its account. Returns no row if it has ended
-- already.
--
--   $1 id      uuid
--   $2 reason  text  logout

update sessions
   set ended_at = now(), end_reason = $2
 where id = $1
   and ended_at is null
returning user_id;
