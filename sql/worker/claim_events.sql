-- Marks the events to publish next as published, and answers them in that order: the transaction commits once Kafka has acknowledged
-- them. Nobody else changes these rows meanwhile, because the caller has the lock of try_lock. Events are chosen by their state and
-- never by a cursor: transactions commit out of the order of their sequence numbers, and a cursor would skip the late ones.
--
-- Read are, each along an index of its own and no further than $1: the oldest ready events of each topic (one where the topic was
-- closed the last time, none before its next probe is due), refused events whose next attempt is due, and what waits behind these.
-- A ready event behind an earlier one of its key that cannot go now is answered as `held`: it is marked, and not read again until that
-- one is out of the way.
--
--   $1 most  bigint

with recursive topics as (
    (select topic
       from outbox_events
      where published_at is null and dead_at is null and available_at is null and not held
      order by topic
      limit 1)
    union all
    select (select topic
              from outbox_events
             where published_at is null and dead_at is null and available_at is null and not held
               and topic > topics.topic
             order by topic
             limit 1)
      from topics
     where topic is not null
), fresh as (
    select event.seq, event.topic, event.key
      from topics
      left join outbox_topics as closed using (topic),
           lateral (select seq, topic, key
                      from outbox_events
                     where published_at is null and dead_at is null and available_at is null and not held
                       and topic between topics.topic and topics.topic -- by outbox_events_ready: the primary key has seq alone
                     order by topic, seq
                     limit case when closed.topic is null then $1::bigint else 1 end) as event
     where closed.topic is null
        or closed.probe_at <= now()
     order by event.seq
     limit $1
), again as (
    select seq, topic, key
      from outbox_events
     where published_at is null and dead_at is null and available_at is not null
       and available_at <= now()
       and topic not in (select topic from outbox_topics where probe_at > now())
     order by available_at
     limit $1
), followers as (
    select event.seq, event.topic, event.key
      from (select distinct topic, key from again) as refused,
           lateral (select seq, topic, key
                      from outbox_events
                     where published_at is null and dead_at is null and held
                       and topic = refused.topic
                       and key = refused.key
                     order by seq
                     limit $1) as event
), known as (
    select seq, topic, key, true as ready from fresh
     union all
    select seq, topic, key, false from again
     union all
    select seq, topic, key, false from followers
), looked as (
    select seq, ready,
           exists (select 1
                     from outbox_events as stuck
                    where stuck.published_at is null
                      and (stuck.dead_at is not null or stuck.available_at is not null)
                      and stuck.topic = known.topic
                      and stuck.key = known.key
                      and stuck.seq < known.seq
                      and stuck.seq not in (select seq from again))
        or exists (select 1
                     from outbox_events as earlier
                    where earlier.published_at is null and earlier.dead_at is null and earlier.held
                      and earlier.topic = known.topic
                      and earlier.key = known.key
                      and earlier.seq < known.seq
                      and earlier.seq not in (select seq from followers)) as blocked
      from known
), chosen as (
    (select seq, false as held from looked where not blocked order by seq limit $1)
     union all
    select seq, true from looked where blocked and ready
), claimed as (
    update outbox_events
       set published_at = case when chosen.held then null else now() end,
           held = chosen.held
      from chosen
     where outbox_events.seq = chosen.seq
    returning outbox_events.seq, id, type, topic, key, data, traceparent, created_at, attempts, outbox_events.held
)
select id, type, topic, key::text, data::text, traceparent,
       to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as time, attempts, held,
       topic in (select topic from outbox_topics) as closed
  from claimed
 order by seq;
