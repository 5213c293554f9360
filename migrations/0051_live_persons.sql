-- transactional: false
-- Realtime: each account follows the events about it, in which the account is not always the key (a session that ends has the key of
-- the session). `person_id` is the event's first person; null for events that are not sent to persons.
alter table outbox_live add column if not exists person_id uuid;
set lock_timeout = 0;
drop index concurrently if exists outbox_live_persons;
create index concurrently outbox_live_persons on outbox_live (person_id, position) where person_id is not null and position is not null;
reset lock_timeout;
