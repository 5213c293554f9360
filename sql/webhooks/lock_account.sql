-- Serializes the creation of endpoints by one account until the end of the transaction, so that the count that follows is
-- exact.
--
--   $1 user_id  uuid

select pg_advisory_xact_lock(hashtextextended('webhooks ' || $1::uuid::text, 0));
