-- Finds the counts of an account's notifications.
--
--   $1 user_id  uuid

select unseen, unread
  from notification_boxes
 where user_id = $1;
