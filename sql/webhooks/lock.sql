-- Gets an endpoint of an account, and locks it.
--
--   $1 id       uuid
--   $2 user_id  uuid

select id, version, scope, url, description, events, disabled_reason is null as is_enabled, disabled_reason,
       disabled_at, failing_since, failures, created_at, updated_at
  from webhook_endpoints
 where id = $1
   and user_id = $2
   for no key update;
