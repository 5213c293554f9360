-- Removes an account's sessions that ended, and with them what is known of their devices.
--
--   $1 user_id  uuid

delete from sessions
 where user_id = $1
   and ended_at is not null;
