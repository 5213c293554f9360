-- Marks topics as open after Kafka has accepted their events.
--
--   $1 topics  text[]

delete from outbox_topics
 where topic = any($1::text[]);
