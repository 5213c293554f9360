-- Locks an endpoint, and gets its health. Failures are continuous if at most 36 hours lie between two of them: the
-- longest time between two attempts of one delivery is 29.
--
--   $1 id  uuid

select user_id, disabled_reason is null as is_enabled,
       case when failed_at > now() - interval '36 hours' then notices else '{}' end as notices,
       case when failed_at > now() - interval '36 hours' then failures else 0 end as failures,
       case when failed_at > now() - interval '36 hours' then extract(epoch from now() - failing_since)::float else 0 end
           as failing_seconds
  from webhook_endpoints
 where id = $1
   for no key update;
