-- What holds back the later events of its key, dead letters included: how the relay finds out, for each event it claims. All but empty.
-- A migration of its own: adding a column locks out readers, too, and must not do so while an index is made.
create index outbox_events_stuck on outbox_events (topic, key, seq)
 where published_at is null and (dead_at is not null or available_at is not null);
drop index outbox_events_dead_key;
