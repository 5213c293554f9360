-- Locks an account's notifications and switches, and creates the row if it is missing. No row without the account.
--
--   $1 user_id  uuid

insert into notification_boxes as box (user_id)
select id
  from users
 where id = $1
   for key share
on conflict on constraint notification_boxes_pkey do update
   set last = box.last
returning digest_every as every, digest_hour as hour, zone;
