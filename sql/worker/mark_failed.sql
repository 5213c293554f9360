-- Marks events that Kafka refused: each waits for its next attempt, together with the later events of its key, or
-- becomes a dead letter.
--
--   $1 ids      uuid[]
--   $2 reasons  text[]    the reason for each event
--   $3 waits    float8[]  seconds until the next attempt; null: dead letter

update outbox_events
   set published_at = null,
       dead_at = case when given.wait is null then now() end,
       available_at = clock_timestamp() + given.wait * interval '1 second', -- not now(), which is the start of the transaction
       attempts = attempts + 1,
       last_error = given.reason
  from unnest($1::uuid[], $2::text[], $3::float8[]) as given (id, reason, wait)
 where outbox_events.id = given.id;
