-- Lists the events of one key that a reconnecting client missed, in the order of positions.
--
--   $1 types  text[]
--   $2 key    uuid
--   $3 after  bigint
--   $4 most   bigint

select live.position as at, live.type, live.key, event.data::text, event.traceparent, live.changes_access,
       live.person_id as person
  from outbox_live as live
  join outbox_events as event on event.seq = live.seq and not event.erased
 where live.key = $2
   and live.position > $3
   and live.type = any($1)
 order by live.position
 limit $4;
