-- Gives up tasks that are dead letters and say one of these words, such as a deleted person's id or address, except those that the
-- deletion itself asks for. Answers them. Dead letters are few, and have an index.
--
--   $1 words   text[]
--   $2 kept    text    the type of the deletion's event

delete from outbox_tasks
 where dead_at is not null
   and data ->> 'type' is distinct from $2
   and exists (select from jsonb_each_text(data) where value = any($1))
returning id, task as type;
