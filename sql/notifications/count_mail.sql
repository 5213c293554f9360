-- Counts a mail to an account, unless it had as many in the last hour. The account's box is locked.
--
--   $1 notification_id  uuid
--   $2 user_id          uuid
--   $3 most             bigint

insert into notification_mails (notification_id, user_id)
select $1, $2
 where (select count(*)
          from notification_mails
         where user_id = $2
           and created_at > now() - interval '1 hour') < $3
on conflict on constraint notification_mails_pkey do nothing
returning notification_id;
