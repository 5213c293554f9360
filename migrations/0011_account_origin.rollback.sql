update sessions
   set end_reason = 'credentials'
 where end_reason = 'renewed';

alter table users
    drop column opened_address,
    drop column opened_user_agent;

alter table user_tokens
    drop column network;

alter table sessions
    drop constraint sessions_end_reason,
    add constraint sessions_end_reason check (
        end_reason in ('logout', 'reuse', 'revoked', 'credentials', 'disabled', 'limit'));
