-- Marks a notification as unread, and counts it. `changed` is 1 if it was read. The account's box is locked.
--
--   $1 user_id  uuid
--   $2 id       uuid

with marked as (
    update notifications
       set read_at = null
     where id = $2
       and user_id = $1
       and listed
       and read_at is not null
    returning id
)
update notification_boxes
   set unread = unread + (select count(*) from marked)
 where user_id = $1
returning unseen, unread, (select count(*)::integer from marked) as changed;
