create index outbox_events_dead_key on outbox_events (topic, key, seq) where dead_at is not null;
drop index outbox_events_stuck;
