-- A topic that Kafka does not have, or that this application may not write to, is closed: its events wait without an attempt until the
-- relay's next probe finds it open.
create table outbox_topics (
    topic      text not null,
    -- The name of Kafka's error.
    reason     text not null,
    since      timestamptz not null default now(),
    probe_at   timestamptz not null,
    constraint outbox_topics_pkey primary key (topic)
);

-- Messages of other services that were published to `<topic>.dead`. What they say stays in Kafka: this is where they are there.
create table inbox_dead (
    id              uuid not null default gen_random_uuid(),
    topic           text not null,
    group_id        text not null,
    partition       integer not null,
    "offset"        bigint not null,
    dead_topic      text not null,
    dead_partition  integer not null,
    dead_offset     bigint not null,
    last_error      text,
    attempts        integer not null,
    -- When it was sent, in milliseconds since 1970: tells a topic that was made anew from its predecessor.
    sent_at         bigint not null,
    dead_at         timestamptz not null default now(),
    -- When somebody decided to try it again: the worker publishes it to its topic, and removes the row.
    retried_at      timestamptz,
    constraint inbox_dead_pkey primary key (id),
    -- A message that is buried again after a crash is the same one.
    constraint inbox_dead_place_key unique (group_id, topic, partition, "offset", sent_at)
);

create index inbox_dead_latest on inbox_dead (dead_at) where retried_at is null;
create index inbox_dead_retried on inbox_dead (retried_at) where retried_at is not null;

-- An event that waits for an earlier one of its key, which Kafka refused. The relay marks it when it comes across it, and passes it by
-- from then on; code that does not know the column still finds out by the earlier event.
alter table outbox_events add column held boolean not null default false;
