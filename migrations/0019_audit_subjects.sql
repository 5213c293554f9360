-- transactional: false
-- How the audit finds a person's entries, by what their events declare. Built concurrently: requests write to this table meanwhile.
-- A build that was interrupted leaves an invalid index, hence the drops: the file can be applied again. Waiting for older
-- transactions blocks nobody here, so the usual lock_timeout is lifted.
set lock_timeout = 0;

drop index concurrently if exists audit_entries_subject;
create index concurrently audit_entries_subject on audit_entries
    ((case when subjects is null then data ->> 'user_id' else subjects[1]::text end), id);

-- The other person of an event about two.
drop index concurrently if exists audit_entries_second;
create index concurrently audit_entries_second on audit_entries ((subjects[2]), id) where subjects[2] is not null;

-- What somebody did to others, as long as the entry says from where.
drop index concurrently if exists audit_entries_actor;
create index concurrently audit_entries_actor on audit_entries (principal_id, id)
    where principal_id is not null
      and origin_salt is not null
      and principal_id::text is distinct from (case when subjects is null then data ->> 'user_id' else subjects[1]::text end);

-- What nobody of ours did, about nobody of ours.
drop index concurrently if exists audit_entries_nobody;
create index concurrently audit_entries_nobody on audit_entries (created_at)
    where (case when subjects is null then data ->> 'user_id' else subjects[1]::text end) is null
      and principal_id is null
      and address is not null;

reset lock_timeout;
