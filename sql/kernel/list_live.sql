-- Lists events after a position, in the order of positions.
--
--   $1 after  bigint
--   $2 most   bigint

select live.position as at, live.type, live.key, event.data::text, event.traceparent, live.changes_access,
       live.person_id as person
  from outbox_live as live
  join outbox_events as event on event.seq = live.seq and not event.erased
 where live.position > $1
 order by live.position
 limit $2;
