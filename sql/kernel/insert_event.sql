-- Announces an event: a row for Kafka, a row for each task that subscribes, a row for the audit, a row for connected clients where they
-- may follow it, and hints that wake the relay and the web processes. The caller's transaction commits all of it or nothing.
--
--   $1 id            uuid    becomes the CloudEvent's id
--   $2 type          text    users.registered
--   $3 topic         text    users
--   $4 key           uuid    the thing it is about
--   $5 data          text    the event as JSON
--   $6 traceparent   text    W3C Trace Context of the request
--   $7 principal_id  uuid    who did it, where somebody was signed in
--   $8 address       text    from which network address
--   $9 user_agent    text    with what
--   $10 tasks        text[]  names of the subscribing tasks
--   $11 subjects     uuid[]  the persons that the event is about
--   $12 live         boolean whether clients may follow it

with event as (
    insert into outbox_events (id, type, topic, key, data, traceparent, principal_id, address, user_agent)
    values ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8, $9)
    returning seq, id, type, key, data, traceparent, principal_id, address, user_agent
), tasks as (
    insert into outbox_tasks (task, event_id, data, traceparent)
    select name, event.id, event.data, event.traceparent
      from event, unnest($10::text[]) as name
), entry as (
    insert into audit_entries (id, type, key, data, traceparent, principal_id, address, user_agent, subjects)
    select id, type, key, data, traceparent, principal_id, address, user_agent, $11::uuid[]
      from event
), followed as (
    insert into outbox_live (seq, type, key)
    select seq, type, key
      from event
     where $12::boolean
)
select pg_notify(channel, '')
  from unnest(case when $12 then '{outbox,live}'::text[] else '{outbox}'::text[] end) as channel;
