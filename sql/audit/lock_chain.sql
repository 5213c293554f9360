-- Locks the chain until the end of the transaction. The key is "audit" in ASCII.

select pg_advisory_xact_lock(418581342580);
