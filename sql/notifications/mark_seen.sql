-- Marks notifications as seen, and counts them off. `changed` is how many were not. The account's box is locked.
--
--   $1 user_id  uuid
--   $2 up_to    bigint  this number and all smaller ones, or null
--   $3 ids      uuid[]

with found as (
    select id
      from notifications
     where user_id = $1
       and listed
       and seen_at is null
       and (number <= $2::bigint or id = any($3))
), marked as (
    update notifications n
       set seen_at = now()
      from found
     where n.id = found.id
)
update notification_boxes
   set unseen = unseen - (select count(*) from found)
 where user_id = $1
returning unseen, unread, (select count(*)::integer from found) as changed;
