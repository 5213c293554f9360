-- Counts an account's endpoints.
--
--   $1 user_id  uuid

select count(*)::integer
  from webhook_endpoints
 where user_id = $1;
