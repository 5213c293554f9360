-- transactional: false
drop index concurrently if exists users_unverified;
