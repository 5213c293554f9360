-- transactional: false
-- Waits for the transactions that run now, and holds up no request meanwhile.
set lock_timeout = '10min';

-- An index that an earlier attempt left unfinished would be kept as it is.
drop index concurrently if exists users_search;
drop index concurrently if exists users_password_kinds;

-- Without a list of what is still to be sorted in, which every search would have to read.
create index concurrently users_search on users using gin (search) with (fastupdate = off);

-- Of hashes from elsewhere alone, until their owners sign in: what the view password_kinds asks.
create index concurrently users_password_kinds on users (password_kind(password_hash) collate "C")
 where password_hash not like '$argon2id$v=19$m=19456,t=2,p=1$%';

reset lock_timeout;
