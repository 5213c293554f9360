-- A role-wide send that a person has cancelled: `finished_at` is the time, and the remaining accounts are not notified.
alter table notification_sends add column is_cancelled boolean not null default false;
