-- The whole life of an account.
--
-- `credentials_changed_at`: every sign-in from before is over, in one write and whatever their number, save the one in which it was
-- changed (`credentials_changed_by`). `password_hash` is null until an invitation is accepted. `pending_email` waits for its
-- confirmation. `delete_after` is when the account will be gone; `deletion_requested_at` since when its owner wants that.
alter table users
    alter column password_hash drop not null,
    add column language text not null default 'en',
    add column pending_email text,
    add column credentials_changed_at timestamptz not null default 'epoch',
    add column credentials_changed_by uuid,
    add column deletion_requested_at timestamptz,
    add column delete_after timestamptz,
    -- Addresses are ASCII: compared byte by byte, they sort the same on every machine, and an index outlives its C library.
    alter column email type text collate "C",
    -- What a list of accounts is searched and filtered by, in one index whatever is asked: the words of address and name, each behind
    -- a dot; the roles; +active or -active. Split here, since the parser of text search takes some words apart (`1e5abc`).
    add column words tsvector generated always as (array_to_tsvector(
        array_remove(string_to_array(regexp_replace(
            lower((' ' || email || ' ' || coalesce(name, '')) collate "default"), '[^[:alnum:]]+', ' .', 'g'), ' '), '')
        || roles || case when is_active then '{+active}'::text[] else '{-active}' end)) stored,
    add constraint users_pending_email_lower check (pending_email = lower(pending_email)),
    add constraint users_deletion check ((deletion_requested_at is null) = (delete_after is null));

-- Whoever is signed in when this is applied stays so.
alter table users alter column credentials_changed_at set default now();

-- Without a list of what is still to be sorted in, which every search would have to read.
create index users_words on users using gin (words) with (fastupdate = off);
create index users_superusers on users (id) where is_superuser and is_active;
create index users_due on users (delete_after) where delete_after is not null;

-- `task_id` is whose mail it went out with: a task that is tried again leaves its earlier token good.
alter table user_tokens
    add column task_id uuid,
    drop constraint user_tokens_purpose,
    add constraint user_tokens_purpose check (purpose in ('verify', 'reset', 'invite', 'confirm_email', 'revert_email'));

create index user_tokens_expires on user_tokens (expires_at);

-- `device_id` is in a cookie that outlives sign-ins: how a device is known again. `mode` is how its tokens travel.
alter table sessions
    add column device_id uuid,
    add column method text not null default 'password',
    add column mode text not null default 'bearer',
    drop constraint sessions_end_reason,
    add constraint sessions_end_reason check (
        end_reason in ('logout', 'reuse', 'revoked', 'credentials', 'disabled', 'limit')),
    add constraint sessions_mode check (mode in ('bearer', 'cookie'));

create index sessions_device on sessions (user_id, device_id);
create index sessions_latest on sessions (user_id, id);
create index sessions_over on sessions (coalesce(ended_at, expires_at));
