-- A task's row, if this attempt still holds its lease (the attempt number fences off an older one).
--
--   $1 id       uuid
--   $2 attempt  integer

select id, data::text, traceparent
  from outbox_tasks
 where id = $1
   and attempts = $2
   and dead_at is null
   and locked_until > now();
