-- Puts a notification into a digest.
--
--   $1 id         uuid
--   $2 digest_id  uuid

update notifications
   set digest_id = $2
 where id = $1;
