-- Marks notifications as read and seen, and counts them off. `changed` is how many were unread. The account's box is locked.
--
--   $1 user_id  uuid
--   $2 up_to    bigint  this number and all smaller ones, or null
--   $3 ids      uuid[]

with found as (
    select id, seen_at is null as is_unseen
      from notifications
     where user_id = $1
       and listed
       and read_at is null
       and (number <= $2::bigint or id = any($3))
), marked as (
    update notifications n
       set read_at = now(), seen_at = coalesce(n.seen_at, now())
      from found
     where n.id = found.id
)
update notification_boxes
   set unread = unread - (select count(*) from found),
       unseen = unseen - (select count(*) from found where is_unseen)
 where user_id = $1
returning unseen, unread, (select count(*)::integer from found) as changed;
