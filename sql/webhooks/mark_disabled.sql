-- Disables an endpoint.
--
--   $1 id      uuid
--   $2 reason  text  'owner', 'gone' or 'failing'

update webhook_endpoints
   set disabled_reason = $2, disabled_at = now(), version = version + 1, updated_at = now()
 where id = $1;
