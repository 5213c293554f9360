-- Lists an account's notifications, newest first, with the number of all that the filters match, up to a bound.
--
--   $1 user_id  uuid
--   $2 unread   boolean  only unread ones
--   $3 kind     text     a kind or a group; null: all
--   $4 before   bigint   number of the last one of the previous page; null: from the newest
--   $5 most     bigint
--   $6 counted  bigint   the bound

select (select count(*)
          from (select
                  from notifications
                 where user_id = $1
                   and listed
                   and (not $2::boolean or read_at is null)
                   and ($3::text is null or kind = $3 or kind_group = $3)
                 limit $6) as counted) as total,
       found.id, found.number, found.kind, found.subject, found.text, found.link, found.data, found.created_at, found.seen_at, found.read_at
  from (select) as always
  left join (select id, number, kind, subject, body as text, link, data, created_at, seen_at, read_at
               from notifications
              where user_id = $1
                and listed
                and (not $2::boolean or read_at is null)
                and ($3::text is null or kind = $3 or kind_group = $3)
                and ($4::bigint is null or number < $4)
              order by number desc
              limit $5) as found on true
 order by found.number desc;
