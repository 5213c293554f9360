alter table outbox_events drop column attempts;
drop index outbox_events_dead_key;
