-- Deletes an endpoint of an account. Its deliveries are swept.
--
--   $1 id       uuid
--   $2 user_id  uuid

delete from webhook_endpoints
 where id = $1
   and user_id = $2
returning id;
