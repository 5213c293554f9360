-- Marks an export as ready. It expires 7 days later.
--
--   $1 id    uuid
--   $2 size  bigint  bytes, or null

update personal_exports
   set ready_at = now(), expires_at = now() + interval '7 days', size = $2
 where id = $1
   and ready_at is null;
