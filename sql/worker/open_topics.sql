-- Forgets that topics were closed: Kafka has just taken their events.
--
--   $1 topics  text[]

delete from outbox_topics
 where topic = any($1::text[]);
