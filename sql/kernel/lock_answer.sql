-- Locks a key until the end of the transaction. Returns false if a concurrent transaction holds it.
--
--   $1 lock  bigint  the first bytes of the answer's id

select pg_try_advisory_xact_lock($1) as locked;
