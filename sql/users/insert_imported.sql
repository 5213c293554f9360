-- Opens accounts that another system had. An address that has an account already is left out, and so is the second of two rows with
-- one address. The order keeps two imports of the same addresses from waiting for each other.
--
--   $1 ids              uuid[]
--   $2 emails           text[]     in their normal form
--   $3 names            text[]     or null in it
--   $4 roles            text[]     of each account, with spaces between
--   $5 password_hashes  text[]     null in it: the owner chooses a password later
--   $6 are_active       bool[]
--   $7 are_verified     bool[]
--   $8 languages        text[]     in which to write to the owners

insert into users (id, email, name, roles, password_hash, is_active, is_verified, language)
select id, email, name, string_to_array(roles, ' '), password_hash, is_active, is_verified, language
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::boolean[], $8::text[])
    as wanted (id, email, name, roles, password_hash, is_active, is_verified, language)
 order by email collate "C", id
    on conflict (email) do nothing
returning id, email, language, password_hash is not null as has_password;
