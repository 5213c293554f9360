-- Mails that the workers sent or tried to send, without the links and tokens in them. `message_id` is the Message-ID, the same for
-- each attempt. Without an account (`user_id`), neither the recipient nor the texts are stored, so that the deletion of an account
-- erases all that is about it.
create table mails (
    -- A UUIDv7: its order is that of time.
    id          uuid primary key,
    message_id  text not null,
    user_id     uuid,
    recipient   text,
    template    text not null,
    language    text not null,
    subject     text,
    body        text,
    html        text,
    -- 'queued': an operator asked to send it again, and no attempt has been made. 'skipped' is shown for such a row, and not stored,
    -- when its task has ended without an attempt.
    state       text not null,
    attempts    integer not null,
    -- The mail server's reply.
    reply       text,
    -- The task that sends it, and its value for another run, if it may be run again.
    task        text,
    task_id     uuid,
    value       jsonb,
    -- The mail that this one repeats.
    repeats     uuid,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    constraint mails_message_id_key unique (message_id),
    constraint mails_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint mails_state_check check (state in ('queued', 'sent', 'delayed', 'refused', 'skipped'))
);

comment on table mails is 'Retention: MAILS_DAYS (sweep `delete_old_mails`), or with the account.';

create index mails_user_id on mails (user_id, id);
create index mails_recipient on mails (recipient, id);
create index mails_template on mails (template, id);
create index mails_unsent on mails (state, id) where state <> 'sent';
create index mails_repeats on mails (repeats) where repeats is not null;
create index mails_old on mails (created_at);
