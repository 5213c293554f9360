-- Inserts events of one type, as insert_event.sql does with one.
--
--   $1 lines         jsonb    id, key, data (JSON as text) and subjects of each; the first subject may follow it
--   $2 type          text     users.registered
--   $3 topic         text     users
--   $4 traceparent   text     W3C Trace Context of the request
--   $5 principal_id  uuid     the authenticated user, or null
--   $6 address       text     network address of the client, or null
--   $7 user_agent    text     User-Agent of the client, or null
--   $8 tasks         text[]   names of the subscribing tasks
--   $9 live          boolean  whether clients may follow them
--   $10 access       boolean  whether they may end the access of the account or sign-in that is their key

with wanted as (
    select line.id, line.key, line.data::jsonb as data, line.subjects
      from jsonb_to_recordset($1::jsonb) as line (id uuid, key uuid, data text, subjects uuid[])
), event as (
    insert into outbox_events (id, type, topic, key, data, traceparent, principal_id, address, user_agent)
    select id, $2, $3, key, data, $4, $5, $6, $7
      from wanted
     order by id
    returning seq, id, type, key, data, traceparent, principal_id, address, user_agent
), tasks as (
    insert into outbox_tasks (task, event_id, data, traceparent)
    select name, event.id, event.data, event.traceparent
      from event, unnest($8::text[]) as name
), entry as (
    insert into audit_entries (id, type, key, data, traceparent, principal_id, address, user_agent, subjects)
    select event.id, event.type, event.key, event.data, event.traceparent, event.principal_id, event.address, event.user_agent, wanted.subjects
      from event
      join wanted on wanted.id = event.id
     order by event.seq
), followed as (
    insert into outbox_live (seq, type, key, changes_access, person_id)
    select event.seq, event.type, event.key, $10::boolean, case when $9 then wanted.subjects[1] end
      from event
      join wanted on wanted.id = event.id
     where $9::boolean or $10::boolean
     order by event.seq
)
select pg_notify(channel, '')
  from unnest(case when $9 or $10 then '{outbox,live}'::text[] else '{outbox}'::text[] end) as channel;
