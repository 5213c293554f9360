-- Replaces a role's switches.
--
--   $1 role      text
--   $2 switches  jsonb  group, channel and value of each

with wanted as (
    select line ->> 'group' as kind_group, line ->> 'channel' as channel, line ->> 'value' as value
      from jsonb_array_elements($2::jsonb) as line
), gone as (
    delete from notification_role_switches s
     where s.role = $1
       and not exists (select
                         from wanted
                        where wanted.kind_group = s.kind_group
                          and wanted.channel = s.channel)
)
insert into notification_role_switches (role, kind_group, channel, value)
select $1, kind_group, channel, value
  from wanted
on conflict on constraint notification_role_switches_pkey do update
   set value = excluded.value;
