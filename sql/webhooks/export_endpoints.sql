-- Returns an account's endpoints as JSON, without their secrets.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select id, scope, url, description, events, disabled_reason, disabled_at, failing_since, failures, created_at,
               updated_at
          from webhook_endpoints
         where user_id = $1
         order by id) as found;
