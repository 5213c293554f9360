-- The oldest events that Kafka has not acknowledged, in the order to publish them. Chosen by their state and never by a cursor:
-- transactions commit out of the order of their sequence numbers, and a cursor would skip the late ones.
--
--   $1 most  bigint

select id, type, topic, key, data::text, traceparent, created_at
  from outbox_events
 where published_at is null
   and dead_at is null
 order by seq
 limit $1
   for update;
