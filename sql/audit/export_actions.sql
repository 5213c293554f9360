-- Returns what an account did that was not about itself, as JSON: type, time and origin, without the other
-- accounts. Not sorted, because a sort would read all rows before the first one.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select id, type, created_at, address, user_agent
          from audit_entries
         where principal_id = $1
           and origin_salt is not null
           and principal_id::text is distinct from (case when subjects is null then data ->> 'user_id' else subjects[1]::text end)
           and subjects[2] is distinct from $1) as found;
