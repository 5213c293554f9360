-- Returns an account's own switches as JSON.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select kind_group as "group", channel, value
          from notification_switches
         where user_id = $1
         order by kind_group, channel) as found;
