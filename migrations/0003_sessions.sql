-- One row a device that signed in. A refresh token is an HMAC over the id and the generation: nothing that is stored here could
-- be used to make one, and the same generation always makes the same token, which is what a retry after a lost answer gets.
create table sessions (
    id               uuid primary key,
    user_id          uuid not null references users (id) on delete cascade,
    generation       integer not null default 1,
    rotated_at       timestamptz not null default now(),
    created_at       timestamptz not null default now(),
    last_seen_at     timestamptz not null default now(),
    idle_expires_at  timestamptz not null,
    expires_at       timestamptz not null,
    ended_at         timestamptz,
    end_reason       text,
    address          text,
    user_agent       text,
    constraint sessions_end_reason check (end_reason in ('logout', 'reuse')),
    constraint sessions_ended check ((ended_at is null) = (end_reason is null))
);

create index sessions_user_id on sessions (user_id) where ended_at is null;
