-- Lists the attempts of a delivery, newest first.
--
--   $1 delivery_id  uuid

select number, started_at, status, error, resolve_ms, connect_ms, tls_ms, first_byte_ms, total_ms, response
  from webhook_attempts
 where delivery_id = $1
 order by number desc
 limit 50;
