-- Inserts an endpoint.
--
--   $1 id           uuid
--   $2 user_id      uuid
--   $3 scope        text    'own' or 'all'
--   $4 url          text
--   $5 description  text
--   $6 events       text[]

insert into webhook_endpoints (id, user_id, scope, url, description, events)
values ($1, $2, $3, $4, $5, $6);
