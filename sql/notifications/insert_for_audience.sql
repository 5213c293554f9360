-- Notifies the next accounts of a role-wide send, in the order of their ids, counts the notifications, and stores the progress. Accounts that
-- were created after the send get none, so that it ends.
--
--   $1 send_id  uuid
--   $2 most     bigint  fewer rows are the last ones

with send as (
    select id, kind, kind_group, subject, body, link, data, role, reached, created_at
      from notification_sends
     where id = $1
       and finished_at is null
       for update
), people as (
    select u.id,
           notification_switch(u.id, u.roles, send.kind_group, 'in_app') = 'on' as listed,
           notification_switch(u.id, u.roles, send.kind_group, 'push') = 'on' as push
      from send
      join users u on send.reached is null or u.id > send.reached
     where u.is_active
       and u.delete_after is null
       and u.created_at <= send.created_at
       and (send.role is null or u.roles @> array[send.role])
     order by u.id
     limit $2
), boxes as (
    insert into notification_boxes as box (user_id, last, unseen, unread)
    select id, 1, listed::integer, listed::integer
      from people
     order by id
    on conflict on constraint notification_boxes_pkey do update
       set last = box.last + 1, unseen = box.unseen + excluded.unseen, unread = box.unread + excluded.unread
    returning user_id, last, unseen, unread
), made as (
    insert into notifications (user_id, number, send_id, kind, kind_group, subject, body, link, data, listed, mails)
    select people.id, boxes.last, send.id, send.kind, send.kind_group, send.subject, send.body, send.link, send.data, people.listed, true
      from people
      join boxes on boxes.user_id = people.id
     cross join send
    returning id, user_id
), progress as (
    update notification_sends
       set reached = coalesce((select id from people order by id desc limit 1), reached),
           notified = notified + (select count(*) from people),
           finished_at = case when (select count(*) from people) < $2 then now() end
     where id = $1
       and finished_at is null
)
select made.id as notification_id, made.user_id, send.kind, people.push, boxes.unseen, boxes.unread
  from made
  join people on people.id = made.user_id
  join boxes on boxes.user_id = made.user_id
 cross join send
 order by made.user_id;
