-- Kafka has acknowledged these.
--
--   $1 ids  uuid[]

update outbox_events
   set published_at = now()
 where id = any($1::uuid[]);
