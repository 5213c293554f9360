-- Inserts a task that does not belong to an event. A pending task with this id receives the new input and keeps its
-- place. A running one loses its lease, so that it runs again afterwards. A dead letter is reset.
--
--   $1 task         text
--   $2 id           uuid  passed to the task as its id
--   $3 data         text  the task's input as JSON
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
