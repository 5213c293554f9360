-- An event that Kafka refuses for good holds back the later events of its key, and of no other, until an operator retries or discards
-- it. This index is how the relay finds out, for each event it claims; it holds dead letters alone, so that it is all but empty.
create index outbox_events_dead_key on outbox_events (topic, key, seq) where dead_at is not null;

-- How often Kafka refused it.
alter table outbox_events add column attempts integer not null default 0;
