-- Counts the entries of list_activity.sql, up to 10,000.
--
--   $1 user_id  uuid

select count(*)::integer as total
  from (select 1
          from audit_entries
         where (case when subjects is null then data ->> 'user_id' else subjects[1]::text end) = $1::uuid::text
           and type not in ('notifications.created', 'notifications.changed')
         union all
        select 1
          from audit_entries
         where subjects[2] = $1
           and type not in ('notifications.created', 'notifications.changed')
         limit 10000) as found;
