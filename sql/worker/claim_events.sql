-- Marks the oldest events that Kafka has not acknowledged, and answers them in the order to publish them: the transaction commits once
-- Kafka has. Chosen by their state and never by a cursor: transactions commit out of the order of their sequence numbers, and a cursor
-- would skip the late ones. Nobody else changes these rows meanwhile: the caller has the lock of try_lock. What comes after a dead
-- letter of its key, or after an event that waits for its next attempt, waits for it.
--
--   $1 most  bigint

with claimed as (
    update outbox_events
       set published_at = now()
     where seq = any(array(
            select seq
              from outbox_events as event
             where published_at is null
               and dead_at is null
               and not exists (
                    select 1
                      from outbox_events as stuck
                     where stuck.published_at is null
                       and (stuck.dead_at is not null or stuck.available_at > now())
                       and stuck.topic = event.topic
                       and stuck.key = event.key
                       and stuck.seq <= event.seq)
             order by seq
             limit $1))
    returning seq, id, type, topic, key, data, traceparent, created_at, attempts
)
select id, type, topic, key::text, data::text, traceparent,
       to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as time, attempts
  from claimed
 order by seq;
