-- Lists the notifications of a digest whose group's mails are not switched off, oldest first.
--
--   $1 digest_id  uuid
--   $2 most       bigint

select n.kind_group as "group", n.subject, n.link, n.created_at
  from notifications n
  join users u on u.id = n.user_id
 where n.digest_id = $1
   and notification_switch(u.id, u.roles, n.kind_group, 'mail') <> 'off'
 order by n.number
 limit $2;
