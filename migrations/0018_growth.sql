-- What keeps the tables bounded, and finds what a deleted account must take with it. Columns only, all nullable or with a constant
-- default, so that no table is rewritten; the indexes on tables that may be large are in the next two files.

-- When the session is over for lack of a refresh, rounded up to a week: indexed, and so coarse that a refresh seldom changes it.
-- An index on `idle_expires_at` itself would make every refresh write to every index of the table.
alter table sessions add column idle_week timestamptz;

-- Refused sign-ins that were not announced yet, counted by account, reason and network: see sql/sessions/count_refusal.sql.
-- `user_id` is the nil UUID for an address without an account. It references nothing: a refusal must not wait for the account's row.
create table session_refusals (
    user_id      uuid not null,
    reason       text not null,
    network      text not null,
    attempts     integer not null default 1,
    announced    integer not null default 0,
    address      text,
    user_agent   text,
    traceparent  text not null,
    opened_at    timestamptz not null default now(),
    -- The first attempt that was not announced.
    since        timestamptz not null default now(),
    constraint session_refusals_pkey primary key (user_id, reason, network)
);

create index session_refusals_network on session_refusals (network);
create index session_refusals_opened on session_refusals (opened_at);
create index session_refusals_new on session_refusals (opened_at) where announced = 0;

-- An event of a deleted account that Kafka has not acknowledged yet: removed as soon as it has.
alter table outbox_events add column erased boolean not null default false;

-- Whose entry it is, as the event declares it: one person or two. Null in entries from before, which are found by `data ->> 'user_id'`.
alter table audit_entries add column subjects uuid[];
