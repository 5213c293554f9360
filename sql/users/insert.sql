-- Opens an account. The address decides whether it is a new one: users_email_key.
--
--   $1 id             uuid
--   $2 email          text  in its normal form
--   $3 password_hash  text  Argon2id, PHC format
--   $4 language       text  in which to write to its owner

insert into users (id, email, password_hash, language)
values ($1, $2, $3, $4)
returning id, email, name, is_active, is_superuser, is_verified, roles, created_at, updated_at;
