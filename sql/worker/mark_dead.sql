-- Sets events aside that Kafka will never take, each for its reason.
--
--   $1 ids      uuid[]
--   $2 reasons  text[]  of each

update outbox_events
   set published_at = null,
       dead_at = now(),
       attempts = attempts + 1,
       last_error = given.reason
  from unnest($1::uuid[], $2::text[]) as given (id, reason)
 where outbox_events.id = given.id;
