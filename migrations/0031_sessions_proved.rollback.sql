alter table sessions
    drop constraint sessions_end_reason,
    add constraint sessions_end_reason check (
        end_reason in ('logout', 'reuse', 'revoked', 'credentials', 'disabled', 'limit', 'renewed')) not valid;
