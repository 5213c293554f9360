-- Counts the audit entries about an account, up to 10,000.
--
--   $1 user_id  uuid

select count(*)::integer as total
  from (select 1
          from audit_entries
         where (case when subjects is null then data ->> 'user_id' else subjects[1]::text end) = $1::uuid::text
         union all
        select 1
          from audit_entries
         where subjects[2] = $1
         limit 10000) as found;
