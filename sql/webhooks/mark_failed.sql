-- Stores a failed attempt. Returns no row if the lease was lost.
--
--   $1 id       uuid
--   $2 lease    integer
--   $3 wait     float    seconds until the next attempt; null: this was the last one
--   $4 attempt  jsonb

with failed as (
    update webhook_deliveries
       set state = case when $3::float is null then 'failed' else 'pending' end,
           due_at = case when $3::float is null then due_at else now() + $3 * interval '1 second' end,
           status = ($4::jsonb ->> 'status')::integer, error = $4::jsonb ->> 'error', locked_until = null,
           finished_at = case when $3::float is null then now() end
     where id = $1
       and lease = $2
       and state = 'pending'
    returning id
), logged as (
    insert into webhook_attempts (delivery_id, number, started_at, status, error, resolve_ms, connect_ms, tls_ms,
                                  first_byte_ms, total_ms, response)
    select failed.id, $2, made.*
      from failed,
           jsonb_to_record($4::jsonb) as made (started_at timestamptz, status integer, error text, resolve_ms float,
                                               connect_ms float, tls_ms float, first_byte_ms float, total_ms float,
                                               response text)
)
select id from failed;
