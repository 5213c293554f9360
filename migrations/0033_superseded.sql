-- transactional: false
-- Drops what no statement uses any more; the code that did was never released. `words` and users_words: since 0014, `search` and
-- users_search. The indexes of the audit: since 0019, audit_entries_subject, _nobody and _actor. sessions_over: since 0020,
-- sessions_finished. outbox_…_pending: since 0024, outbox_events_ready and outbox_tasks_due. Waiting for older transactions blocks
-- no request, so the usual lock_timeout is lifted for the indexes. Dropping the column locks users for a moment and rewrites nothing.
set lock_timeout = 0;

drop index concurrently if exists users_words;
drop index concurrently if exists audit_entries_owner;
drop index concurrently if exists audit_entries_strangers;
drop index concurrently if exists audit_entries_deputy;
drop index concurrently if exists sessions_over;
drop index concurrently if exists outbox_events_pending;
drop index concurrently if exists outbox_tasks_pending;

reset lock_timeout;

alter table users drop column if exists words;
