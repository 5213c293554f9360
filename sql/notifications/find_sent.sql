-- Finds an earlier send with this key.
--
--   $1 source  text
--   $2 key     text

select id, digest
  from notification_sends
 where source = $1
   and key = $2;
