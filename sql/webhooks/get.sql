-- Gets an endpoint of an account.
--
--   $1 id       uuid
--   $2 user_id  uuid

select id, version, scope, url, description, events, disabled_reason is null as is_enabled, disabled_reason,
       disabled_at, failing_since, failures,
       (select count(*)
          from (select
                  from webhook_deliveries d
                 where d.endpoint_id = e.id
                   and d.state = 'pending'
                 limit 1000) as counted)::integer as waiting,
       (select max(s.expires_at)
          from webhook_secrets s
         where s.endpoint_id = e.id
           and s.expires_at > now()) as previous_secret_until,
       created_at, updated_at
  from webhook_endpoints e
 where id = $1
   and user_id = $2;
