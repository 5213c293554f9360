-- Events that clients follow while they are connected (Server-Sent Events, WebSockets). `outbox_events.seq` is given before the commit,
-- so that a reader at 7 may miss a 6 that commits later. `position` is given after the commit, by one transaction at a time: a reader
-- of a position has read all smaller ones, and a client resumes by its last position.

create sequence outbox_live_positions as bigint;

create table outbox_live (
    -- The event's in outbox_events, which holds its data. No foreign key: the data may be erased or swept earlier.
    seq         bigint not null,
    type        text not null,
    key         uuid not null,
    position    bigint,
    created_at  timestamptz not null default now(),
    constraint outbox_live_pkey primary key (seq),
    constraint outbox_live_position_key unique (position)
);

alter sequence outbox_live_positions owned by outbox_live.position;

-- What has no position yet, what a client missed, what is swept.
create index outbox_live_new on outbox_live (seq) where position is null;
create index outbox_live_missed on outbox_live (key, position);
create index outbox_live_old on outbox_live (created_at);

-- The newest row with a position is never swept; the first one stands for "nothing yet".
insert into outbox_live (seq, type, key, position)
values (0, '', '00000000-0000-0000-0000-000000000000', nextval('outbox_live_positions'));
