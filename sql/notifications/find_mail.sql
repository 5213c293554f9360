-- Finds a notification that is to be mailed, if its account may get mails and wants those of its group. `is_counted`: its mail was counted by
-- an earlier attempt.
--
--   $1 id  uuid

select n.user_id, u.email, u.language, n.kind, n.kind_group as "group", n.subject, n.body as text, n.link,
       notification_switch(u.id, u.roles, n.kind_group, 'mail') as value, n.digest_id,
       exists (select
                 from notification_mails m
                where m.notification_id = n.id) as is_counted,
       box.digest_every as every, box.digest_hour as hour, box.zone
  from notifications n
  join users u on u.id = n.user_id
  join notification_boxes box on box.user_id = n.user_id
 where n.id = $1
   and n.mails
   and u.is_active
   and u.is_verified
   and u.delete_after is null;
