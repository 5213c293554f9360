-- Accounts. The address is kept in lower case (it is ASCII: internationalised domains come in punycode), so that its
-- uniqueness is a plain constraint and no lookalike folds onto somebody else's.
create table users (
    id             uuid primary key,
    email          text not null,
    name           text,
    password_hash  text not null,
    is_active      boolean not null default true,
    is_superuser   boolean not null default false,
    is_verified    boolean not null default false,
    roles          text[] not null default '{}',
    created_at     timestamptz not null default now(),
    updated_at     timestamptz not null default now(),
    constraint users_email_key unique (email),
    constraint users_email_lower check (email = lower(email)),
    constraint users_email_length check (char_length(email) <= 254)
);

-- Tokens that travel by mail. Only their SHA-256 is here, so that a copy of this table opens nothing; each is bound to a
-- purpose and to the address it was sent to, and is spent once.
create table user_tokens (
    token_hash  bytea primary key,
    user_id     uuid not null references users (id) on delete cascade,
    purpose     text not null,
    email       text not null,
    expires_at  timestamptz not null,
    used_at     timestamptz,
    created_at  timestamptz not null default now(),
    constraint user_tokens_purpose check (purpose in ('verify'))
);

create index user_tokens_user_id on user_tokens (user_id);
