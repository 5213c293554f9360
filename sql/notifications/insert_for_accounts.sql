-- Notifies accounts, and counts the notifications. Accounts that do not exist, are disabled or about to be deleted get none, nor do those
-- that have one of this send.
--
--   $1 send_id   uuid
--   $2 user_ids  uuid[]
--   $3 content   jsonb    kind, group, subject, text, link and data
--   $4 mails     boolean  whether it is also mailed

with people as (
    select id,
           notification_switch(id, roles, $3::jsonb ->> 'group', 'in_app') = 'on' as listed,
           notification_switch(id, roles, $3::jsonb ->> 'group', 'push') = 'on' as push
      from users
     where id = any($2)
       and is_active
       and delete_after is null
       and not exists (select
                         from notifications n
                        where n.user_id = users.id
                          and n.send_id = $1)
       for key share
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
    select people.id, boxes.last, $1, $3::jsonb ->> 'kind', $3::jsonb ->> 'group', $3::jsonb ->> 'subject', $3::jsonb ->> 'text',
           $3::jsonb ->> 'link', $3::jsonb -> 'data', people.listed, $4
      from people
      join boxes on boxes.user_id = people.id
    returning id, user_id
)
select made.id as notification_id, made.user_id, $3::jsonb ->> 'kind' as kind, people.push, boxes.unseen, boxes.unread
  from made
  join people on people.id = made.user_id
  join boxes on boxes.user_id = made.user_id
 order by made.user_id;
