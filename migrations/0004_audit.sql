-- Who did what, when and from where: one row an event, written in the event's own transaction and never changed by the application.
-- The worker seals rows in order, a moment later, into a chain of hashes: a writer never waits for another one, and a row that is
-- altered, removed or slipped in afterwards breaks the chain (`python -m api.audit`).
--
-- What is personal (data; and the origin, address and user_agent) is in the chain as salted digests alone, so that it can be erased with
-- its account while the chain still holds. There are two, because what an administrator did to others stays when the origin must go.
create table audit_entries (
    id            uuid primary key,
    seq           bigint generated always as identity,
    type          text not null,
    key           uuid not null,
    data          jsonb,
    principal_id  uuid,
    address       text,
    user_agent    text,
    traceparent   text not null,
    created_at    timestamptz not null default now(),
    data_salt     uuid default gen_random_uuid(),
    origin_salt   uuid default gen_random_uuid(),
    position      bigint,
    data_digest   bytea,
    origin_digest bytea,
    hash          bytea,
    constraint audit_entries_position_key unique (position),
    constraint audit_entries_sealed check (num_nulls(position, data_digest, origin_digest, hash) in (0, 4))
);

create index audit_entries_unsealed on audit_entries (seq) where position is null;
create index audit_entries_owner on audit_entries ((data ->> 'user_id'), id);
create index audit_entries_type on audit_entries (type, id);
create index audit_entries_strangers on audit_entries (created_at) where data ->> 'user_id' is null and address is not null;
create index audit_entries_deputy on audit_entries (principal_id)
    where principal_id is not null and principal_id::text is distinct from (data ->> 'user_id');
