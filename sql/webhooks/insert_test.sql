-- Inserts the delivery of a test event.
--
--   $1 id           uuid
--   $2 endpoint_id  uuid
--   $3 event_id     uuid

insert into webhook_deliveries (id, endpoint_id, event_id, type, once)
values ($1, $2, $3, 'webhook.test', true);
