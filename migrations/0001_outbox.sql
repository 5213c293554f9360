-- The transactional outbox. A request that must have consequences writes rows here, in the transaction that made it true;
-- the worker does the rest, at least once. Redis and Kafka may forget everything: these two tables are the truth.

-- One row an event, for Kafka. `seq` is the order of publishing; events of one `key` are in the order of their commits,
-- because whoever records one has changed (and so locked) the row it is about before.
create table outbox_events (
    seq           bigint generated always as identity primary key,
    id            uuid not null,
    type          text not null,
    topic         text not null,
    key           uuid not null,
    data          jsonb not null,
    traceparent   text not null,
    -- Who did it and from where: what an audit needs and no later moment can find out.
    principal_id  uuid,
    address       text,
    user_agent    text,
    created_at    timestamptz not null default now(),
    published_at  timestamptz,
    -- A record that Kafka will never take is set aside with the reason, so that it holds nobody up.
    dead_at       timestamptz,
    last_error    text,
    constraint outbox_events_id_key unique (id)
);

create index outbox_events_pending on outbox_events (seq) where published_at is null and dead_at is null;
create index outbox_events_dead on outbox_events (dead_at) where dead_at is not null;
create index outbox_events_published on outbox_events (published_at) where published_at is not null;

-- One row for each task that subscribes to an event, removed when the task is done. `lease` counts up with every lease and is never
-- used again, so that an attempt which lost its lease cannot settle the row under the one that took over. `attempts` counts the
-- leases that were not given back unused; a task that takes its worker down with it is counted too.
create table outbox_tasks (
    seq           bigint generated always as identity primary key,
    id            uuid not null default gen_random_uuid(),
    task          text not null,
    event_id      uuid not null,
    data          jsonb not null,
    traceparent   text not null,
    created_at    timestamptz not null default now(),
    available_at  timestamptz not null default now(),
    locked_until  timestamptz,
    lease         integer not null default 0,
    attempts      integer not null default 0,
    last_error    text,
    dead_at       timestamptz,
    constraint outbox_tasks_id_key unique (id)
);

create index outbox_tasks_pending on outbox_tasks (seq) where dead_at is null;
create index outbox_tasks_dead on outbox_tasks (dead_at) where dead_at is not null;
