-- Removes what is personal from entries about an account, and from where it acted on others; so many at a time, and only what is
-- sealed, whose digests stay. Answers how many entries' data and origins that were, and how many are not sealed yet. The entry that
-- says that the account was deleted keeps its data, which is its id.
--
--   $1 user_id  uuid
--   $2 most     bigint

with own as (
    select id, position, data_salt is not null and type <> 'users.deleted' as has_data, origin_salt is not null as has_origin
      from audit_entries
     where data ->> 'user_id' = $1::uuid::text
       and type <> 'audit.erased'
    union all
    select id, position, false, origin_salt is not null
      from audit_entries
     where principal_id = $1
       and principal_id is not null
       and principal_id::text is distinct from data ->> 'user_id'
), chosen as (
    select id, has_data, has_origin
      from own
     where position is not null
       and (has_data or has_origin)
     limit $2
), erased as (
    update audit_entries
       set data = case when has_data then null else data end,
           data_salt = case when has_data then null else data_salt end,
           address = null,
           user_agent = null,
           origin_salt = null
      from chosen
     where audit_entries.id = chosen.id
    returning has_data, has_origin
)
select (select count(*)::integer from erased where has_data) as entries,
       (select count(*)::integer from erased where has_origin) as origins,
       (select count(*)::integer from own where position is null) as waiting;
