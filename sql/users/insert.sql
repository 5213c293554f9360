-- Opens an account. The address decides whether it is a new one: users_email_key. From where that was done is kept until the address is
-- confirmed.
--
--   $1 id             uuid
--   $2 email          text  in its normal form
--   $3 password_hash  text  Argon2id, PHC format
--   $4 language       text  in which to write to its owner
--   $5 address        text  the client's, or null
--   $6 user_agent     text  or null

insert into users (id, email, password_hash, language, opened_address, opened_user_agent)
values ($1, $2, $3, $4, left($5, 45), left($6, 256))
returning id;
