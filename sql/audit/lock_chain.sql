-- One at a time adds to the chain, until its transaction ends. The number is "audit" in ASCII.

select pg_advisory_xact_lock(418581342580);
