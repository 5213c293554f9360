-- Returns claimed events that were not published.
--
--   $1 ids  uuid[]

update outbox_events
   set published_at = null
 where id = any($1);
