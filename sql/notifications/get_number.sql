-- Gets the number of one of an account's notifications.
--
--   $1 id       uuid
--   $2 user_id  uuid

select number
  from notifications
 where id = $1
   and user_id = $2
   and listed;
