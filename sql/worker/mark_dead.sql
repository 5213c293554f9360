-- Sets an event aside that Kafka will never take.
--
--   $1 id     uuid
--   $2 error  text

update outbox_events
   set published_at = null, dead_at = now(), last_error = $2
 where id = $1;
