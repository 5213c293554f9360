-- Accounts that were invited and never had a password, and ends of sessions for reasons that were not known before, cannot be kept.
drop index sessions_over;
drop index sessions_latest;
drop index sessions_device;
delete from sessions where end_reason in ('revoked', 'credentials', 'disabled', 'limit');
alter table sessions
    drop constraint sessions_mode,
    drop constraint sessions_end_reason,
    add constraint sessions_end_reason check (end_reason in ('logout', 'reuse')),
    drop column mode,
    drop column method,
    drop column device_id;
drop index user_tokens_expires;
delete from user_tokens where purpose <> 'verify';
alter table user_tokens
    drop column task_id,
    drop constraint user_tokens_purpose,
    add constraint user_tokens_purpose check (purpose in ('verify'));
delete from users where password_hash is null;
drop index users_superusers;
alter table users
    drop constraint users_deletion,
    drop constraint users_pending_email_lower,
    drop column words,
    alter column email type text,
    drop column delete_after,
    drop column deletion_requested_at,
    drop column credentials_changed_by,
    drop column credentials_changed_at,
    drop column pending_email,
    drop column language,
    alter column password_hash set not null;
