-- Sends hints to the web processes.
--
--   $1 payloads  text[]  each the name of what has changed, and the ids of the accounts that may read it

select pg_notify('live', payload)
  from unnest($1::text[]) as payload;
