-- Lists an account's endpoints, newest first.
--
--   $1 user_id  uuid

select id, version, scope, url, description, events, disabled_reason is null as is_enabled, disabled_reason,
       disabled_at, failing_since, failures, created_at, updated_at
  from webhook_endpoints
 where user_id = $1
 order by id desc;
