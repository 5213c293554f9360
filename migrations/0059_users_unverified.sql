-- transactional: false
-- Finds the accounts that were never verified; the others are not in it. Built concurrently, as in 0019.
set lock_timeout = 0;

drop index concurrently if exists users_unverified;
create index concurrently users_unverified on users (unverified_since) where unverified_since is not null;

reset lock_timeout;
