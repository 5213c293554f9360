-- Leaves work for the worker that no event stands for. A task with this id that waits already gets the new input and keeps its turn. One
-- whose attempt runs loses its lease, so that it runs again afterwards; a dead letter begins anew.
--
--   $1 task         text
--   $2 id           uuid  what the task is told as its id
--   $3 data         text  its input as JSON
--   $4 traceparent  text  W3C Trace Context of the request

with task as (
    insert into outbox_tasks as present (task, id, event_id, data, traceparent)
    values ($1, $2, $2, $3::text::jsonb, $4)
    on conflict on constraint outbox_tasks_id_key do update
       set data = excluded.data,
           traceparent = excluded.traceparent,
           lease = present.lease + (present.locked_until is not null and present.begun_lease is not distinct from present.lease)::integer,
           attempts = case
                          when present.dead_at is not null then 0
                          when present.locked_until is not null and present.begun_lease is not distinct from present.lease then 0
                          else present.attempts
                      end,
           available_at = case when present.dead_at is null then present.available_at else now() end,
           last_error = case when present.dead_at is null then present.last_error end,
           dead_at = null
)
select pg_notify('outbox', '');
