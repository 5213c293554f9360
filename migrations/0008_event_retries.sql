-- An event that Kafka refuses, though perhaps not for good, waits for its next attempt until then, as a task does. Null: now.
alter table outbox_events add column available_at timestamptz;

-- What holds back the later events of its key, dead letters included: how the relay finds out, for each event it claims. All but empty.
create index outbox_events_stuck on outbox_events (topic, key, seq)
 where published_at is null and (dead_at is not null or available_at is not null);
drop index outbox_events_dead_key;
