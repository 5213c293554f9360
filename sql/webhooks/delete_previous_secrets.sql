-- Deletes all secrets of an endpoint but the current one.
--
--   $1 endpoint_id  uuid

delete from webhook_secrets
 where endpoint_id = $1
   and expires_at is not null;
