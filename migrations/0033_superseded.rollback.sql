-- transactional: false
-- blocks: rewrites users, which takes some ten seconds for a million accounts. Only code from before 0014 needs the column.
alter table users
    add column if not exists words tsvector generated always as (array_to_tsvector(
        array_remove(string_to_array(regexp_replace(
            lower((' ' || email || ' ' || coalesce(name, '')) collate "default"), '[^[:alnum:]]+', ' .', 'g'), ' '), '')
        || roles || case when is_active then '{+active}'::text[] else '{-active}' end)) stored;

set lock_timeout = 0;

drop index concurrently if exists users_words;
create index concurrently users_words on users using gin (words) with (fastupdate = off);

drop index concurrently if exists audit_entries_owner;
create index concurrently audit_entries_owner on audit_entries ((data ->> 'user_id'), id);

drop index concurrently if exists audit_entries_strangers;
create index concurrently audit_entries_strangers on audit_entries (created_at) where data ->> 'user_id' is null and address is not null;

drop index concurrently if exists audit_entries_deputy;
create index concurrently audit_entries_deputy on audit_entries (principal_id)
    where principal_id is not null and principal_id::text is distinct from (data ->> 'user_id');

drop index concurrently if exists sessions_over;
create index concurrently sessions_over on sessions (coalesce(ended_at, expires_at));

drop index concurrently if exists outbox_events_pending;
create index concurrently outbox_events_pending on outbox_events (seq) where published_at is null and dead_at is null;

drop index concurrently if exists outbox_tasks_pending;
create index concurrently outbox_tasks_pending on outbox_tasks (seq) where dead_at is null;

reset lock_timeout;
