-- Deletes a notification, and counts it off. No row if it does not exist. The account's box is locked.
--
--   $1 user_id  uuid
--   $2 id       uuid

with gone as (
    delete from notifications
     where id = $2
       and user_id = $1
       and listed
    returning seen_at is null as is_unseen, read_at is null as is_unread
)
update notification_boxes
   set unseen = unseen - gone.is_unseen::integer, unread = unread - gone.is_unread::integer
  from gone
 where user_id = $1
returning unseen, unread, (gone.is_unseen or gone.is_unread)::integer as changed;
