-- Inserts the current secret of an endpoint.
--
--   $1 id           uuid
--   $2 endpoint_id  uuid
--   $3 sealed       text  encrypted

insert into webhook_secrets (id, endpoint_id, sealed)
values ($1, $2, $3);
