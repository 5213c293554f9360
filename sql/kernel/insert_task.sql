-- Inserts a task that does not belong to an event.
--
--   $1 task         text
--   $2 id           uuid  passed to the task as its id
--   $3 data         text  the task's input as JSON
--   $4 traceparent  text  W3C Trace Context of the request

with task as (
    insert into outbox_tasks (task, id, event_id, data, traceparent)
    values ($1, $2, $2, $3::text::jsonb, $4)
)
select pg_notify('outbox', '');
