-- Counts the entries of list_activity.sql, up to 10,000.
--
--   $1 user_id  uuid
--   $2 hidden   text[]  types of events that are not listed

select count(*)::integer as total
  from (select 1
          from audit_entries
         where (case when subjects is null then data ->> 'user_id' else subjects[1]::text end) = $1::uuid::text
           and type <> all($2)
         union all
        select 1
          from audit_entries
         where subjects[2] = $1
           and type <> all($2)
         limit 10000) as found;
