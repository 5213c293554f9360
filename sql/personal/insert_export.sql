-- Inserts a request for an export.
--
--   $1 id       uuid
--   $2 user_id  uuid

insert into personal_exports (id, user_id)
values ($1, $2)
returning id, case when ready_at is null then 'preparing' else 'ready' end as state, requested_at, ready_at, expires_at, size;
