-- Takes the place of an account's only download, until the end of the transaction. Returns false if another one has it.
--
--   $1 user_id  uuid

select pg_try_advisory_xact_lock(hashtextextended('personal.download ' || $1::uuid::text, 0)) as taken;
