-- Switches an account's mails of some groups off. Returns the groups in which that changed something.
--
--   $1 user_id  uuid
--   $2 groups   text[]

insert into notification_switches as s (user_id, kind_group, channel, value)
select users.id, wanted.kind_group, 'mail', 'off'
  from users
 cross join unnest($2::text[]) as wanted (kind_group)
 where users.id = $1
on conflict on constraint notification_switches_pkey do update
   set value = 'off'
 where s.value <> 'off'
returning kind_group;
