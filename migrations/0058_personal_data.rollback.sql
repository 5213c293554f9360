drop trigger webhook_attempts_erase on audit_entries;
drop function webhook_attempts_erase;
drop table personal_exports;
alter table users
    drop column expires_after,
    drop column unverified_since;
