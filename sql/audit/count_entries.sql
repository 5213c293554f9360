-- How many entries there are, as far as 10,000: counting further would take longer than the answer is worth.
--
--   $1 user_id  uuid  whose, or null
--   $2 type     text  of what type, or null

select count(*)::integer as total
  from (select 1
          from audit_entries
         where ($1::uuid is null
                or (case when subjects is null then data ->> 'user_id' else subjects[1]::text end) = $1::text
                or subjects[2] = $1)
           and ($2::text is null or type = $2)
         limit 10000) as found;
