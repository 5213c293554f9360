alter table sessions drop column idle_week;
drop table session_refusals;
alter table outbox_events drop column erased;
alter table audit_entries drop column subjects;
