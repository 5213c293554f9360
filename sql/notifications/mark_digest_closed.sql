-- Closes a digest. No row if it was closed before.
--
--   $1 id  uuid

update notification_digests
   set state = 'closed', closed_at = now()
 where id = $1
   and state = 'open'
returning id;
