-- transactional: false
-- The kinds of hashes that imports bring since: PBKDF2, scrypt, Firebase's scrypt, phpass, and bcrypt of a digest (Django, WordPress).
-- No hash that the earlier code took changes its kind, so that the index users_password_kinds stays as it is.
create or replace function password_kind(password_hash text) returns text language sql immutable strict parallel safe
return substring(password_hash collate "C" from
    '^((?:\$django|\$wp)?\$2[aby]\$[0-9]{2}\$|\$argon2[a-z]+\$(?:v=[0-9]+\$)?[^$]+\$|\$pbkdf2(?:-sha[0-9]+)?\$[0-9]+\$'
    '|\$(?:fb)?scrypt\$[^$]+\$|\$[PH]\$.)');
