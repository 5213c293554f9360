-- Stores successful attempts, except those whose lease was lost. Their endpoints are healthy again, unless the attempt
-- does not count for that.
--
-- Endpoints that were failing are locked first, in one order, as everywhere else: the lock of an endpoint precedes those
-- of its deliveries.
--
--   $1 results  jsonb  an array of {id, endpoint_id, lease, made}

with given as materialized (
    select *
      from jsonb_to_recordset($1::jsonb) as result (id uuid, endpoint_id uuid, lease integer, made jsonb)
), failing as materialized (
    select e.id
      from webhook_endpoints e
     where e.id in (select endpoint_id from given)
       and e.failing_since is not null
     order by e.id
       for no key update
), delivered as (
    update webhook_deliveries d
       set state = 'delivered', status = (given.made ->> 'status')::integer, error = null, locked_until = null,
           finished_at = now()
      from given
     where d.id = given.id
       and d.lease = given.lease
       and d.state = 'pending'
       and (select count(*) from failing) >= 0
    returning d.id, d.endpoint_id, d.lease, d.once, given.made
), logged as (
    insert into webhook_attempts (delivery_id, number, started_at, status, error, resolve_ms, connect_ms, tls_ms,
                                  first_byte_ms, total_ms, response)
    select delivered.id, delivered.lease, made.*
      from delivered,
           jsonb_to_record(delivered.made) as made (started_at timestamptz, status integer, error text,
                                                    resolve_ms float, connect_ms float, tls_ms float,
                                                    first_byte_ms float, total_ms float, response text)
)
update webhook_endpoints e
   set failing_since = null, failed_at = null, failures = 0, notices = '{}', paused_until = null
 where e.id in (select id from failing)
   and exists (select from delivered where delivered.endpoint_id = e.id and not delivered.once);
