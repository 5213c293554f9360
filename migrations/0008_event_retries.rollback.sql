alter table outbox_events drop column available_at;
