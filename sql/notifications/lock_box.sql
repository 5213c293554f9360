-- Locks an account's notifications. First statement of each change of them, except of insertions, which lock it too.
--
--   $1 user_id  uuid

select user_id
  from notification_boxes
 where user_id = $1
   for update;
