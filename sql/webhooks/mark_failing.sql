-- Counts a failure of an endpoint.
--
--   $1 id        uuid
--   $2 failures  integer
--   $3 seconds   float    how long it has been failing
--   $4 pause     float    seconds without deliveries; null: none
--   $5 notices   text[]   the mails that were sent since the last success

update webhook_endpoints
   set failures = $2, failing_since = now() - $3 * interval '1 second', failed_at = now(), notices = $5,
       paused_until = coalesce(now() + $4 * interval '1 second', paused_until)
 where id = $1;
