-- transactional: false
drop index concurrently if exists audit_entries_subject;
drop index concurrently if exists audit_entries_second;
drop index concurrently if exists audit_entries_actor;
drop index concurrently if exists audit_entries_nobody;
