-- Whether this transaction may publish: one at a time does, which keeps the order, and the next one may as soon as it ends, however
-- it ended. The number is "relay" in ASCII.

select pg_try_advisory_xact_lock(491327873401);
