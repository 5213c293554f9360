-- transactional: false
drop index concurrently if exists outbox_live_persons;
alter table outbox_live drop column if exists person_id;
