-- Finds the recipient of a digest, if the account may get mails.
--
--   $1 id  uuid

select u.id as user_id, u.email, u.language
  from notification_digests d
  join users u on u.id = d.user_id
 where d.id = $1
   and u.is_active
   and u.is_verified
   and u.delete_after is null;
