-- Finds the owner of an endpoint, for a mail, and the endpoint's address.
--
--   $1 endpoint_id  uuid

select u.email, u.language, e.url, e.id
  from webhook_endpoints e
  join users u on u.id = e.user_id
 where e.id = $1
   and u.is_active;
