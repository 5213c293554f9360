-- Deletes dead tasks whose data contains one of these values, such as a deleted user's id or address, except the tasks
-- of the deletion itself. Returns the deleted tasks. An index covers dead letters.
--
--   $1 words  text[]
--   $2 kept   text    the type of the deletion's event

delete from outbox_tasks
 where dead_at is not null
   and data ->> 'type' is distinct from $2
   and exists (select from jsonb_each_text(data) where value = any($1))
returning id, task as type;
