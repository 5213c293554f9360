alter table outbox_events drop column held;
drop table inbox_dead;
drop table outbox_topics;
