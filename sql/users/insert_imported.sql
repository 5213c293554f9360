-- Inserts accounts imported from another system. Skips addresses that have an account and repeated addresses. Inserts
-- in a fixed order, so that concurrent imports do not deadlock.
--
--   $1 ids              uuid[]
--   $2 emails           text[]  normalized
--   $3 names            text[]  elements may be null
--   $4 roles            text[]  the roles of each account, separated by spaces
--   $5 password_hashes  text[]  elements may be null: the owner chooses a password later
--   $6 are_active       bool[]
--   $7 are_verified     bool[]
--   $8 languages        text[]  languages of emails

insert into users (id, email, name, roles, password_hash, is_active, is_verified, language)
select id, email, name, string_to_array(roles, ' '), password_hash, is_active, is_verified, language
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::boolean[], $8::text[])
    as wanted (id, email, name, roles, password_hash, is_active, is_verified, language)
 order by email collate "C", id
    on conflict (email) do nothing
returning id, email, language, password_hash is not null as has_password;
