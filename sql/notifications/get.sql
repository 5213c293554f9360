-- Gets one of an account's notifications.
--
--   $1 id       uuid
--   $2 user_id  uuid

select id, number, kind, subject, body as text, link, data, created_at, seen_at, read_at
  from notifications
 where id = $1
   and user_id = $2
   and listed;
