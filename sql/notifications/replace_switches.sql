-- Replaces an account's own switches.
--
--   $1 user_id   uuid
--   $2 switches  jsonb  group, channel and value of each

with wanted as (
    select line ->> 'group' as kind_group, line ->> 'channel' as channel, line ->> 'value' as value
      from jsonb_array_elements($2::jsonb) as line
), gone as (
    delete from notification_switches s
     where s.user_id = $1
       and not exists (select
                         from wanted
                        where wanted.kind_group = s.kind_group
                          and wanted.channel = s.channel)
)
insert into notification_switches (user_id, kind_group, channel, value)
select $1, kind_group, channel, value
  from wanted
on conflict on constraint notification_switches_pkey do update
   set value = excluded.value;
