-- How many entries an account has, as far as 10,000.
--
--   $1 user_id  uuid

select count(*)::integer as total
  from (select 1
          from audit_entries
         where data ->> 'user_id' = $1::uuid::text
         limit 10000) as found;
