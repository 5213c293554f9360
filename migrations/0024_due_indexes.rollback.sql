-- transactional: false
drop index concurrently if exists outbox_tasks_due;
drop index concurrently if exists outbox_events_held;
drop index concurrently if exists outbox_events_again;
drop index concurrently if exists outbox_events_ready;
