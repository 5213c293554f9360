-- Lists the switches of roles.
--
--   $1 role  text  null: all
--   $2 most  bigint

select role, kind_group as "group", channel, value
  from notification_role_switches
 where $1::text is null
    or role = $1
 order by role, kind_group, channel
 limit $2;
