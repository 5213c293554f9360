-- Deletes an account's ended sessions, including their device data.
--
--   $1 user_id  uuid

delete from sessions
 where user_id = $1
   and ended_at is not null;
