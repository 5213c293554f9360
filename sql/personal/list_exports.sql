-- Lists an account's exports that have not expired, newest first.
--
--   $1 user_id  uuid
--   $2 most     bigint

select id, case when ready_at is null then 'preparing' else 'ready' end as state, requested_at, ready_at, expires_at, size
  from personal_exports
 where user_id = $1
   and expires_at > now()
 order by id desc
 limit $2;
