-- Where an account was opened, kept until its address is confirmed: the mail that asks for the confirmation says so, for the owner of the
-- address may not be who opened it.
alter table users
    add column opened_address text,
    add column opened_user_agent text;

-- From which network a mail with a link was asked for: a stranger uses up their own share of the mails to an address, and nobody else's.
alter table user_tokens
    add column network text;

-- A session in which the password was changed goes on as a new one. `not valid`: what is there fits the narrower rule that this replaces.
alter table sessions
    drop constraint sessions_end_reason,
    add constraint sessions_end_reason check (
        end_reason in ('logout', 'reuse', 'revoked', 'credentials', 'disabled', 'limit', 'renewed')) not valid;
