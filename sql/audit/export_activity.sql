-- Returns the entries about an account as JSON, as the account's own activity shows them: without the origin
-- of an administrator's action, and without ids of accounts. Of an event about two accounts, the second one gets type and
-- time. Not sorted, because a sort would read all rows before the first one.
--
--   $1 user_id  uuid

select json_build_object(
           'id', id,
           'type', type,
           'created_at', created_at,
           'by', case when principal_id = $1 then 'you'
                      when principal_id is not null then 'administrator'
                      when address is not null then 'somebody'
                      else 'system' end,
           'address', case when principal_id is null or principal_id = $1 then address end,
           'user_agent', case when principal_id is null or principal_id = $1 then user_agent end,
           'data', (select json_object_agg(key, value)
                      from jsonb_each(data)
                     where key <> 'type'
                       and coalesce(value #>> '{}', '') <> all (coalesce(subjects, array[$1])::text[])))::text
  from (select id, type, created_at, principal_id, address, user_agent, data, subjects
          from audit_entries
         where (case when subjects is null then data ->> 'user_id' else subjects[1]::text end) = $1::uuid::text
         union all
        select id, type, created_at, principal_id, address, user_agent, null, subjects
          from audit_entries
         where subjects[2] = $1) as found;
