-- transactional: false
create or replace function password_kind(password_hash text) returns text language sql immutable strict parallel safe
return substring(password_hash collate "C" from '^(\$2[aby]\$[0-9]{2}\$|\$argon2[a-z]+\$(?:v=[0-9]+\$)?[^$]+\$)');

-- The hashes that were imported since have no kind any more.
reindex index concurrently users_password_kinds;
