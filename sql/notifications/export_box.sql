-- Returns an account's counts and times of digests as JSON.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select unseen, unread, digest_every, digest_hour, zone
          from notification_boxes
         where user_id = $1) as found;
