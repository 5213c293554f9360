-- The answers to POST requests with an Idempotency-Key, written in the transaction of their work: a row exists if and only if the work
-- is committed. Nothing in it can be read without SECRET_KEY and the client's key, which is not stored.

create table answers (
    -- HMAC of the caller and the key; for callers without an account also of the request.
    id          bytea not null,
    -- HMAC of the account, or of the network; the rows of one caller are bounded by it.
    owner       bytea not null,
    -- Encrypted: a digest of the request, and status, headers and body of the response.
    sealed      bytea not null,
    created_at  timestamptz not null default now(),
    constraint answers_pkey primary key (id)
);

comment on table answers is 'Retention: 24 hours (sweep `sweep_answers`), and the newest 1,000 of a caller.';

-- For the bound, and for the sweep.
create index answers_owner on answers (owner, created_at);
create index answers_created_at on answers (created_at);
