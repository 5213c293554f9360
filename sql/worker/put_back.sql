-- Gives events back that were claimed and not published.
--
--   $1 ids  uuid[]

update outbox_events
   set published_at = null
 where id = any($1);
