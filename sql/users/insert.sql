-- Inserts a registered account, unverified from now on. Violates users_email_key if the address is taken. The client's address and user agent
-- are kept until the address is verified.
--
--   $1 id             uuid
--   $2 email          text  normalized
--   $3 password_hash  text  Argon2id, PHC format
--   $4 language       text  language of emails
--   $5 address        text  network address of the client, or null
--   $6 user_agent     text  User-Agent of the client, or null

insert into users (id, email, password_hash, language, opened_address, opened_user_agent, unverified_since)
values ($1, $2, $3, $4, left($5, 45), left($6, 256), now())
returning id;
