alter table outbox_tasks drop column begun_lease;
