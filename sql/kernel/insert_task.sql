-- Leaves work for the worker that no event stands for.
--
--   $1 task         text
--   $2 id           uuid  what the task is told as its id
--   $3 data         text  its input as JSON
--   $4 traceparent  text  W3C Trace Context of the request

with task as (
    insert into outbox_tasks (task, id, event_id, data, traceparent)
    values ($1, $2, $2, $3::text::jsonb, $4)
)
select pg_notify('outbox', '');
