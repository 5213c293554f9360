drop index if exists users_password_kinds;
drop index if exists users_search;
