-- Changes when an account's digests are due.
--
--   $1 user_id  uuid
--   $2 every    text
--   $3 hour     integer
--   $4 zone     text     null: the settings'

update notification_boxes
   set digest_every = $2, digest_hour = $3, zone = $4
 where user_id = $1;
