-- transactional: false
-- What may be published or run now, apart from what waits, so that no look reads what it cannot take. Built concurrently, because
-- requests write to these tables meanwhile. A build that was interrupted leaves an invalid index, hence the drops: the file can be
-- applied again. Waiting for older transactions blocks nobody, so the usual lock_timeout is lifted.
-- A later release drops outbox_events_pending and outbox_tasks_pending, which code from before this one uses.
set lock_timeout = 0;

drop index concurrently if exists outbox_events_ready;
create index concurrently outbox_events_ready on outbox_events (topic, seq)
    where published_at is null and dead_at is null and available_at is null and not held;

drop index concurrently if exists outbox_events_again;
create index concurrently outbox_events_again on outbox_events (available_at)
    where published_at is null and dead_at is null and available_at is not null;

drop index concurrently if exists outbox_events_held;
create index concurrently outbox_events_held on outbox_events (topic, key, seq)
    where published_at is null and dead_at is null and held;

drop index concurrently if exists outbox_tasks_due;
create index concurrently outbox_tasks_due on outbox_tasks (task, available_at, seq) where dead_at is null;

reset lock_timeout;
