-- Events that Kafka refused: each waits for its next attempt, and with it the later ones of its key, or is set aside as a dead letter.
--
--   $1 ids      uuid[]
--   $2 reasons  text[]    of each
--   $3 waits    float8[]  seconds until its next attempt; null where there is none

update outbox_events
   set published_at = null,
       dead_at = case when given.wait is null then now() end,
       available_at = clock_timestamp() + given.wait * interval '1 second', -- not now(): finding it took a while
       attempts = attempts + 1,
       last_error = given.reason
  from unnest($1::uuid[], $2::text[], $3::float8[]) as given (id, reason, wait)
 where outbox_events.id = given.id;
