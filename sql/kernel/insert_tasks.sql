-- Inserts tasks that do not belong to an event, in the order of their ids, so that concurrent callers do not deadlock.
-- A pending task with such an id receives the new input and keeps its place, or gets the new time. A running one loses
-- its lease, so that it runs again afterwards; one that is leased and has not begun does if it is postponed. A dead
-- letter is reset.
--
--   $1 task         text
--   $2 ids          uuid[]       passed to the tasks as their ids, without duplicates
--   $3 data         text[]       the input of each task as JSON
--   $4 traceparent  text         W3C Trace Context of the request
--   $5 at           timestamptz  time before which the tasks do not run, or null; they count as pending from then on

with tasks as (
    insert into outbox_tasks as present (task, id, event_id, data, traceparent, created_at, available_at)
    select $1, id, id, data::jsonb, $4, greatest(now(), $5::timestamptz), greatest(now(), $5::timestamptz)
      from unnest($2::uuid[], $3::text[]) as wanted (id, data)
     order by id
    on conflict on constraint outbox_tasks_id_key do update
       set data = excluded.data,
           traceparent = excluded.traceparent,
           lease = present.lease + (present.locked_until is not null
                                    and (excluded.available_at > now() or present.begun_lease is not distinct from present.lease))::integer,
           locked_until = case
                              when excluded.available_at <= now() or present.begun_lease is not distinct from present.lease
                                  then present.locked_until
                          end,
           attempts = case
                          when present.dead_at is not null then 0
                          when present.locked_until is not null and present.begun_lease is not distinct from present.lease then 0
                          else present.attempts
                      end,
           created_at = case when excluded.available_at > now() then excluded.created_at else least(present.created_at, now()) end,
           available_at = case
                              when present.dead_at is not null then excluded.available_at
                              when present.last_error is not null
                                  then greatest(present.available_at, nullif(excluded.available_at, now()))
                              when excluded.available_at > now() then excluded.available_at
                              else least(present.available_at, now())
                          end,
           last_error = case when present.dead_at is null then present.last_error end,
           dead_at = null
)
select pg_notify('outbox', '');
