drop table outbox_tasks;
drop table outbox_events;
