-- Lists the events about an account that a reconnecting client missed, in the order of positions.
--
--   $1 person  uuid
--   $2 after   bigint
--   $3 most    bigint

select live.position as at, live.type, live.key, event.data::text, event.traceparent, live.changes_access,
       live.person_id as person
  from outbox_live as live
  join outbox_events as event on event.seq = live.seq and not event.erased
 where live.person_id = $1
   and live.position > $2
 order by live.position
 limit $3;
