-- Erases the personal data in one batch of a user's entries, in the order of their ids: the data of entries about the
-- user, and the origin (address, user agent) of entries caused by the user or by an unauthenticated client. Digests are
-- kept. Only sealed entries are changed, because digests are computed from the data. Entries that record the deletion
-- or an erasure keep their data, which is the account's id.
--
-- Returns the number of entries whose data and origins were erased, the number that are not sealed yet, the size of the
-- batch, its last id, the ids of the entries about the user and of those only caused by the user, and the erased
-- contacts. Each part of `found` reads its own index from `after` and at most one batch. The caller must hold
-- lock_chain, so that concurrent erasures do not count an entry twice.
--
--   $1 user_id  uuid
--   $2 after    uuid    the last id of the previous batch, or the nil UUID
--   $3 most     bigint  the batch size
--   $4 fields   text[]  names of the fields that hold contacts, such as email addresses

with found as (
    (select id
       from audit_entries
      where (case when subjects is null then data ->> 'user_id' else subjects[1]::text end) = $1::uuid::text
        and id > $2
      order by id
      limit $3)
    union
    (select id
       from audit_entries
      where subjects[2] = $1
        and id > $2
      order by id
      limit $3)
    union
    (select id
       from audit_entries
      where principal_id = $1
        and origin_salt is not null
        and principal_id::text is distinct from (case when subjects is null then data ->> 'user_id' else subjects[1]::text end)
        and id > $2
      order by id
      limit $3)
    order by id
    limit $3
), own as (
    select id, audit_entries.data, type = 'audit.erased' as is_kept, position is not null as is_sealed,
           coalesce($1 = any(subjects), data ->> 'user_id' = $1::text, false) as is_about,
           origin_salt is not null and (principal_id = $1 or principal_id is null) as has_origin,
           data_salt is not null and type <> 'users.deleted' as has_data
      from found
      join audit_entries using (id)
), erased as (
    update audit_entries
       set data = case when is_about and has_data then null else audit_entries.data end,
           data_salt = case when is_about and has_data then null else data_salt end,
           subjects = case when type <> 'users.deleted' then array_replace(subjects, $1, null) else subjects end,
           address = case when has_origin then null else address end,
           user_agent = case when has_origin then null else user_agent end,
           origin_salt = case when has_origin then null else origin_salt end
      from own
     where audit_entries.id = own.id
       and is_sealed
       and not is_kept
       and (is_about or has_origin)
    returning own.id, own.data, is_about, is_about and has_data as had_data, has_origin as had_origin
)
select (select count(*) from erased where had_data) as entries,
       (select count(*) from erased where had_origin) as origins,
       (select count(*) from own where not is_sealed and not is_kept) as waiting,
       (select count(*) from found) as looked_at,
       coalesce((select id from found order by id desc limit 1), $2) as last,
       array(select id from erased where is_about) as about,
       array(select id from erased where not is_about) as caused,
       array(select distinct value
               from erased, jsonb_each_text(data)
              where had_data
                and key = any($4)
                and value is not null) as contacts;
