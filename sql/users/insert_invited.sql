-- Opens an account whose owner chooses the password later. The address decides whether it is a new one: users_email_key.
--
--   $1 id            uuid
--   $2 email         text    in its normal form
--   $3 name          text    or null
--   $4 roles         text[]
--   $5 is_superuser  boolean
--   $6 is_verified   boolean
--   $7 language      text    in which to write to its owner

insert into users (id, email, name, roles, is_superuser, is_verified, language)
values ($1, $2, $3, $4, $5, $6, $7)
returning id;
