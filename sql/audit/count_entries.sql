-- Counts audit entries that match the filters, up to 10,000. The bound limits the time of a count.
--
--   $1 user_id  uuid  the account, or null for any
--   $2 type     text  the entry type, or null for any

select count(*)::integer as total
  from (select 1
          from audit_entries
         where ($1::uuid is null
                or (case when subjects is null then data ->> 'user_id' else subjects[1]::text end) = $1::text
                or subjects[2] = $1)
           and ($2::text is null or type = $2)
         limit 10000) as found;
