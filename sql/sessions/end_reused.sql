-- Ends a session whose refresh token came back after its successor was made: two parties hold it.
--
--   $1 id          uuid
--   $2 generation  integer  the old token's

update sessions
   set ended_at = now(), end_reason = 'reuse'
 where id = $1
   and ended_at is null
   and generation > $2
returning user_id;
