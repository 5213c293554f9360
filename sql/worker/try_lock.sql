-- Tries to lock publishing for this transaction. One transaction at a time publishes, which keeps the order of events;
-- the lock is released when it ends. The key is "relay" in ASCII.

select pg_try_advisory_xact_lock(491327873401);
