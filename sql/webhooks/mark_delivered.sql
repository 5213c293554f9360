-- Stores a successful attempt. Its endpoint is healthy again, unless the attempt does not count for that. Returns no row
-- if the lease was lost.
--
--   $1 id       uuid
--   $2 lease    integer
--   $3 attempt  jsonb

with delivered as (
    update webhook_deliveries
       set state = 'delivered', status = ($3::jsonb ->> 'status')::integer, error = null, locked_until = null,
           finished_at = now()
     where id = $1
       and lease = $2
       and state = 'pending'
    returning id, endpoint_id, attempts, once
), logged as (
    insert into webhook_attempts (delivery_id, number, started_at, status, error, resolve_ms, connect_ms, tls_ms,
                                  first_byte_ms, total_ms, response)
    select delivered.id, $2, made.*
      from delivered,
           jsonb_to_record($3::jsonb) as made (started_at timestamptz, status integer, error text, resolve_ms float,
                                               connect_ms float, tls_ms float, first_byte_ms float, total_ms float,
                                               response text)
), healthy as (
    update webhook_endpoints e
       set failing_since = null, failed_at = null, failures = 0, notices = '{}', paused_until = null
      from delivered
     where e.id = delivered.endpoint_id
       and e.failing_since is not null
       and not delivered.once
)
select id from delivered;
