-- Changes an endpoint.
--
--   $1 id           uuid
--   $2 url          text
--   $3 description  text
--   $4 events       text[]

update webhook_endpoints
   set url = $2, description = $3, events = $4, version = version + 1, updated_at = now()
 where id = $1;
