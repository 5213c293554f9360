-- Reads a dead letter with its data. The data of a message is only in Kafka.
--
--   $1 id  uuid

select letter.id, letter.kind, letter.type, letter.event_key, letter.place, letter.reason, letter.attempts,
       letter.created_at, letter.dead_at,
       case letter.kind when 'event' then event.data when 'task' then task.data end::text as content
  from dead_letters as letter
  left join outbox_events as event
    on event.id = letter.id
   and letter.kind = 'event'
  left join outbox_tasks as task
    on task.id = letter.id
   and letter.kind = 'task'
 where letter.id = $1;
