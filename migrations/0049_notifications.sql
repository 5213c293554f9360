-- Notifications: messages to accounts, in a list, by mail and over open streams; switches for these channels; and digests.

-- One row for each account that has ever had a notification or changed a switch. Each change of an account's notifications locks it
-- first, so that the counts are those of the rows, and `number` has the order of the commits: a client that has received 7 could have
-- received all smaller ones.
create table notification_boxes (
    user_id       uuid not null,
    last          bigint not null default 0,
    unseen        integer not null default 0,
    unread        integer not null default 0,
    -- When digests are due: each hour, or each day at this hour of the zone. Null: the settings' zone.
    digest_every  text not null default 'day',
    digest_hour   integer not null default 8,
    zone          text,
    constraint notification_boxes_pkey primary key (user_id),
    constraint notification_boxes_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint notification_boxes_counts check (unseen >= 0 and unread >= 0),
    constraint notification_boxes_digest_every check (digest_every in ('hour', 'day')),
    constraint notification_boxes_digest_hour check (digest_hour between 0 and 23)
) with (fillfactor = 70);

comment on table notification_boxes is 'Retention: deleted with the account.';

-- What was sent by one request. `source` and `key` are the caller and its Idempotency-Key. The texts are those of a role-wide send only,
-- which the worker has yet to distribute; others are in `notifications` alone, where they are erased with the account.
create table notification_sends (
    id           uuid not null,
    source       text not null,
    key          text not null,
    -- SHA-256 of the request, so that a key is not used for another one.
    digest       bytea not null,
    sender_id    uuid,
    kind         text not null,
    kind_group   text not null,
    subject      text,
    body         text,
    link         text,
    data         jsonb,
    audience     text not null,
    role         text,
    -- The last account that was notified.
    reached      uuid,
    total        integer not null,
    notified     integer not null default 0,
    created_at   timestamptz not null default now(),
    finished_at  timestamptz,
    constraint notification_sends_pkey primary key (id),
    constraint notification_sends_key unique (source, key),
    constraint notification_sends_audience check (audience in ('accounts', 'role', 'everyone'))
);

comment on table notification_sends is 'Retention: 30 days (sweep `delete_old_sends`).';

create index notification_sends_created_at on notification_sends (created_at);
create index notification_sends_sender_id on notification_sends (sender_id) where sender_id is not null;

-- One open row for each account and window, by its unique key: notifications that arrive until `due_at` join it, and one task closes it.
create table notification_digests (
    id          uuid not null,
    user_id     uuid not null,
    due_at      timestamptz not null,
    state       text not null default 'open',
    items       integer not null default 1,
    created_at  timestamptz not null default now(),
    closed_at   timestamptz,
    constraint notification_digests_pkey primary key (id),
    constraint notification_digests_window unique (user_id, due_at),
    constraint notification_digests_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint notification_digests_state check (state in ('open', 'closed'))
);

comment on table notification_digests is 'Retention: 30 days after they were due (sweep `delete_old_digests`).';

create index notification_digests_due_at on notification_digests (due_at);

create table notifications (
    id          uuid not null default gen_random_uuid(),
    user_id     uuid not null,
    number      bigint not null,
    -- The request that caused it. An account has one notification of it at most.
    send_id     uuid not null,
    kind        text not null,
    kind_group  text not null,
    subject     text not null,
    body        text not null,
    link        text,
    data        jsonb not null default '{}',
    -- False: the account switched the list off for this group; the row is for its mail alone.
    listed      boolean not null,
    -- False: another mail says the same.
    mails       boolean not null,
    digest_id   uuid,
    created_at  timestamptz not null default now(),
    seen_at     timestamptz,
    read_at     timestamptz,
    constraint notifications_pkey primary key (id),
    constraint notifications_number unique (user_id, number),
    constraint notifications_send unique (user_id, send_id),
    constraint notifications_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint notifications_digest_id_fkey foreign key (digest_id) references notification_digests (id) on delete set null,
    constraint notifications_read check (read_at is null or seen_at is not null)
);

comment on table notifications is 'Retention: NOTIFICATIONS_DAYS (sweep `delete_old_notifications`), deleted by their owner, or with the account.';

create index notifications_unread on notifications (user_id, number) where listed and read_at is null;
create index notifications_unseen on notifications (user_id, number) where listed and seen_at is null;
create index notifications_digest_id on notifications (digest_id) where digest_id is not null;
create index notifications_created_at on notifications (created_at);

-- The mails of the last hours, for the limit of mails to one account. No foreign key to the notification: deleting it must not make room.
create table notification_mails (
    notification_id  uuid not null,
    user_id          uuid not null,
    created_at       timestamptz not null default now(),
    constraint notification_mails_pkey primary key (notification_id),
    constraint notification_mails_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);

comment on table notification_mails is 'Retention: a day (sweep `delete_old_mail_times`).';

create index notification_mails_user_id on notification_mails (user_id, created_at);
create index notification_mails_created_at on notification_mails (created_at);

-- Switches that differ from the default: those of a role, and those of an account, which precede.
create table notification_role_switches (
    role        text not null,
    kind_group  text not null,
    channel     text not null,
    value       text not null,
    constraint notification_role_switches_pkey primary key (role, kind_group, channel),
    constraint notification_role_switches_channel check (channel in ('in_app', 'mail', 'push')),
    constraint notification_role_switches_value check (value in ('on', 'instant', 'digest', 'off'))
);

comment on table notification_role_switches is 'Retention: deleted by a superuser.';

create table notification_switches (
    user_id     uuid not null,
    kind_group  text not null,
    channel     text not null,
    value       text not null,
    constraint notification_switches_pkey primary key (user_id, kind_group, channel),
    constraint notification_switches_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint notification_switches_channel check (channel in ('in_app', 'mail', 'push')),
    constraint notification_switches_value check (value in ('on', 'instant', 'digest', 'off'))
);

comment on table notification_switches is 'Retention: deleted by their owner, or with the account.';

-- The keys that sign the links for unsubscribing. A link has no expiry and outlives SECRET_KEY, so its key is here; the newest one signs,
-- and each one verifies. `insert into notification_keys default values` adds one, `delete` voids the links of another.
create table notification_keys (
    version     integer not null generated always as identity,
    key         bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
    created_at  timestamptz not null default now(),
    constraint notification_keys_pkey primary key (version)
);

comment on table notification_keys is 'Retention: deleted by an operator.';

insert into notification_keys default values;

-- The value of a switch: locked, or that of the account, or of its roles (the one that sends more), or the default. Without an account:
-- what it would inherit.
create function notification_switch(account uuid, account_roles text[], wanted_group text, wanted_channel text) returns text
    language sql stable parallel safe as $$
    select coalesce(
               case
                   when wanted_group = 'security' and wanted_channel = 'mail' then 'instant'
                   when wanted_group = 'security' and wanted_channel = 'in_app' then 'on'
               end,
               (select s.value
                  from notification_switches s
                 where s.user_id = account
                   and s.kind_group = wanted_group
                   and s.channel = wanted_channel),
               (select r.value
                  from notification_role_switches r
                 where r.role = any(account_roles)
                   and r.kind_group = wanted_group
                   and r.channel = wanted_channel
                 order by case r.value when 'off' then 0 when 'digest' then 1 else 2 end desc
                 limit 1),
               case wanted_channel when 'mail' then 'instant' else 'on' end)
$$;
