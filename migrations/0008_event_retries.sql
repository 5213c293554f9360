-- An event that Kafka refuses, though perhaps not for good, waits for its next attempt until then, as a task does. Null: now.
alter table outbox_events add column available_at timestamptz;
