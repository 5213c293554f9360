-- Inserts an account whose owner chooses the password later. Violates users_email_key if the address is taken.
--
--   $1 id            uuid
--   $2 email         text     normalized
--   $3 name          text     or null
--   $4 roles         text[]
--   $5 is_superuser  boolean
--   $6 is_verified   boolean
--   $7 language      text     language of emails

insert into users (id, email, name, roles, is_superuser, is_verified, language)
values ($1, $2, $3, $4, $5, $6, $7)
returning id;
