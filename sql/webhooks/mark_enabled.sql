-- Enables an endpoint, and makes its pending deliveries due in the order of their events, with all attempts.
--
--   $1 id  uuid

with released as (
    update webhook_deliveries
       set due_at = created_at, attempts = 0
     where endpoint_id = $1
       and state = 'pending'
       and attempts > 0
       and (locked_until is null or locked_until < now())
)
update webhook_endpoints
   set disabled_reason = null, disabled_at = null, paused_until = null, failing_since = null, failed_at = null,
       failures = 0, notices = '{}', version = version + 1, updated_at = now()
 where id = $1;
