-- Exports of personal data, the deletion of accounts that were never verified, and the erasure of what receivers of webhooks answered.

-- Set by a registration, and null again once the address is verified. Null for invited and imported accounts, which do not leave.
-- `expires_after` is set by the warning.
alter table users
    add column unverified_since timestamptz,
    add column expires_after timestamptz;

-- A request for a copy of the account's data. The copy itself is made while it is downloaded, so that nothing personal is stored twice.
-- `size` is null if measuring it took too long.
create table personal_exports (
    id            uuid primary key,
    user_id       uuid not null,
    requested_at  timestamptz not null default now(),
    ready_at      timestamptz,
    expires_at    timestamptz not null default now() + interval '7 days',
    size          bigint,
    constraint personal_exports_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);

comment on table personal_exports is 'Retention: 7 days (sweep `delete_old_exports`), or with the account.';

create index personal_exports_user_id on personal_exports (user_id, id);
create index personal_exports_expires on personal_exports (expires_at);

-- A receiver may repeat what it was sent, so its answer is erased with the event's data. Deliveries to endpoints of the account itself
-- leave with it; these are the endpoints of others: of superusers, and of the other account of an event about two.
create function webhook_attempts_erase() returns trigger language plpgsql as $$
begin
    update webhook_attempts a
       set response = ''
      from webhook_endpoints e
      join webhook_deliveries d on d.endpoint_id = e.id and d.event_id = old.id
     where (e.scope = 'all' or e.user_id = any(old.subjects))
       and a.delivery_id = d.id
       and a.response <> '';
    return null;
end
$$;

create trigger webhook_attempts_erase after update of data on audit_entries
    for each row when (old.data is not null and new.data is null) execute function webhook_attempts_erase();
