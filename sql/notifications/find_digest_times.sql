-- Finds when an account's digests are due.
--
--   $1 user_id  uuid

select digest_every as every, digest_hour as hour, zone
  from notification_boxes
 where user_id = $1;
