-- transactional: false
drop index concurrently if exists sessions_finished;
drop index concurrently if exists outbox_events_erased;
