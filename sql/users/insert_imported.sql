-- Opens an account that another system had. The address decides whether it is a new one: users_email_key.
--
--   $1 id             uuid
--   $2 email          text    in its normal form
--   $3 name           text    or null
--   $4 roles          text[]
--   $5 password_hash  text    or null: its owner chooses a password later
--   $6 is_verified    boolean
--   $7 language       text    in which to write to its owner

insert into users (id, email, name, roles, password_hash, is_verified, language)
values ($1, $2, $3, $4, $5, $6, $7)
returning id, email, name, is_active, is_superuser, is_verified, roles, created_at, updated_at;
