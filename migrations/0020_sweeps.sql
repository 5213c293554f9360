-- transactional: false
-- Indexes of the sweeps, built concurrently, as in 0019.
set lock_timeout = 0;

drop index concurrently if exists sessions_finished;
create index concurrently sessions_finished on sessions (coalesce(ended_at, least(idle_week, expires_at)));

drop index concurrently if exists outbox_events_erased;
create index concurrently outbox_events_erased on outbox_events (seq) where erased;

reset lock_timeout;
