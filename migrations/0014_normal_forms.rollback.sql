drop view password_kinds;
drop function password_kind;
drop trigger users_search on users;
drop function users_put_search;
drop function user_search;
drop function search_words;
alter table users
    drop column search,
    drop constraint users_pending_email_lower,
    drop constraint users_email_lower,
    add constraint users_pending_email_lower check (pending_email = lower(pending_email)),
    add constraint users_email_lower check (email = lower(email));
