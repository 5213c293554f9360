-- Webhooks: endpoints of accounts, and a delivery for each event that an endpoint has subscribed to. A trigger on audit_entries
-- inserts the deliveries in the transaction of the event, so that neither exists without the other.

create table webhook_endpoints (
    id               uuid primary key,
    user_id          uuid not null,
    -- 'own': events about the account. 'all': every event, while the account is a superuser's.
    scope            text not null,
    url              text not null,
    description      text not null default '',
    -- 'users.registered', 'users.*' or '*'.
    events           text[] not null,
    version          integer not null default 1,
    disabled_reason  text,
    disabled_at      timestamptz,
    -- Set by Retry-After, and by 429, 502 and 504.
    paused_until     timestamptz,
    -- The state of health: automatic attempts only. Null and 0 after a success.
    failing_since    timestamptz,
    failed_at        timestamptz,
    failures         integer not null default 0,
    notices          text[] not null default '{}',
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint webhook_endpoints_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint webhook_endpoints_scope check (scope in ('own', 'all')),
    constraint webhook_endpoints_disabled check (num_nulls(disabled_reason, disabled_at) in (0, 2))
);

comment on table webhook_endpoints is 'Retention: deleted by their owner, or with the account.';

-- The trigger finds endpoints by these two.
create index webhook_endpoints_user_id on webhook_endpoints (user_id, id);
create index webhook_endpoints_all on webhook_endpoints (id) where scope = 'all';

-- Encrypted. The current secret does not expire; earlier ones sign beside it until they do.
create table webhook_secrets (
    id           uuid primary key,
    endpoint_id  uuid not null,
    sealed       text not null,
    expires_at   timestamptz,
    created_at   timestamptz not null default now(),
    constraint webhook_secrets_endpoint_id_fkey foreign key (endpoint_id) references webhook_endpoints (id) on delete cascade
);

comment on table webhook_secrets is 'Retention: until they expire (sweep `delete_old_secrets`), or with their endpoint.';

create index webhook_secrets_endpoint_id on webhook_secrets (endpoint_id);
create unique index webhook_secrets_current on webhook_secrets (endpoint_id) where expires_at is null;
create index webhook_secrets_expired on webhook_secrets (expires_at) where expires_at is not null;

-- No foreign key to the endpoint: the event's transaction must neither wait for a concurrent deletion of the endpoint nor fail because
-- of it. Deliveries without an endpoint are never attempted, and are swept. No payload: it is the event's data in audit_entries, which
-- is erased with its account.
create table webhook_deliveries (
    id            uuid not null default gen_random_uuid(),
    endpoint_id   uuid not null,
    -- The id in audit_entries and outbox_events, and the header webhook-id. A UUIDv7: its order is that of time.
    event_id      uuid not null,
    type          text not null,
    -- 'pending' is shown as 'held' while the endpoint is disabled. It is no state of its own, because an event that commits
    -- concurrently with the enabling would then be held for ever.
    state         text not null default 'pending',
    -- A test or a redelivery: one attempt, which does not count for the endpoint's health.
    once          boolean not null default false,
    attempts      integer not null default 0,
    lease         integer not null default 0,
    due_at        timestamptz not null default now(),
    locked_until  timestamptz,
    status        integer,
    error         text,
    created_at    timestamptz not null default now(),
    finished_at   timestamptz,
    constraint webhook_deliveries_pkey primary key (id),
    constraint webhook_deliveries_event_key unique (endpoint_id, event_id),
    constraint webhook_deliveries_state check (state in ('pending', 'delivered', 'failed'))
);

comment on table webhook_deliveries is 'Retention: WEBHOOKS_DAYS (sweep `delete_old_deliveries`).';

create index webhook_deliveries_due on webhook_deliveries (endpoint_id, due_at, event_id) where state = 'pending';
create index webhook_deliveries_leased on webhook_deliveries (endpoint_id, locked_until) where state = 'pending' and locked_until is not null;
create index webhook_deliveries_failed on webhook_deliveries (endpoint_id, event_id) where state = 'failed';
create index webhook_deliveries_old on webhook_deliveries (created_at);

-- Each attempt: its times in milliseconds, and the first bytes of the response.
create table webhook_attempts (
    delivery_id  uuid not null,
    number       integer not null,
    started_at   timestamptz not null,
    status       integer,
    error        text,
    resolve_ms   float,
    connect_ms   float,
    tls_ms       float,
    first_byte_ms float,
    total_ms     float not null,
    response     text not null,
    constraint webhook_attempts_pkey primary key (delivery_id, number),
    constraint webhook_attempts_delivery_id_fkey foreign key (delivery_id) references webhook_deliveries (id) on delete cascade
);

comment on table webhook_attempts is 'Retention: deleted with their delivery.';

create function webhook_deliveries_of_event() returns trigger language plpgsql as $$
begin
    insert into webhook_deliveries (endpoint_id, event_id, type)
    select e.id, new.id, new.type
      from webhook_endpoints e
      join users u on u.id = e.user_id
     where ((e.scope = 'own' and e.user_id = any(new.subjects)) or (e.scope = 'all' and u.is_superuser))
       and u.is_active
       and u.is_verified
       and e.events && array['*', split_part(new.type, '.', 1) || '.*', new.type]
    on conflict do nothing;
    return null;
end
$$;

create trigger webhook_deliveries_of_event after insert on audit_entries
    for each row execute function webhook_deliveries_of_event();
