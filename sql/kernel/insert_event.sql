-- Inserts an event: a row for Kafka, a row for each subscribing task, an audit entry, a row for the web processes if
-- clients may follow it or it changes their access, and a NOTIFY that wakes the relay and the web processes. All of it
-- commits or rolls back with the caller's transaction.
--
--   $1 id            uuid     the CloudEvent's id
--   $2 type          text     users.registered
--   $3 topic         text     users
--   $4 key           uuid     id of the entity that the event is about
--   $5 data          text     the event as JSON
--   $6 traceparent   text     W3C Trace Context of the request
--   $7 principal_id  uuid     the authenticated user, or null
--   $8 address       text     network address of the client, or null
--   $9 user_agent    text     User-Agent of the client, or null
--   $10 tasks        text[]   names of the subscribing tasks
--   $11 subjects     uuid[]   the users that the event is about; the first one may follow it
--   $12 live         boolean  whether clients may follow it
--   $13 access       boolean  whether it may end the access of the account or sign-in that is its key

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
    insert into outbox_live (seq, type, key, changes_access, person_id)
    select seq, type, key, $13::boolean, case when $12 then ($11::uuid[])[1] end
      from event
     where $12::boolean or $13::boolean
)
select pg_notify(channel, '')
  from unnest(case when $12 or $13 then '{outbox,live}'::text[] else '{outbox}'::text[] end) as channel;
