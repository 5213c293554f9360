-- Lists targets in the order of their ids, with the addresses of the accounts that they name, and counts all that match.
--
--   $1 target_type  text    only of this type; null: any
--   $2 target_id    text    only with this id; null: any
--   $3 tier_id      bigint  only of this tier; null: any
--   $4 after        bigint  the last id of the previous page, or 0
--   $5 most         bigint  the page size and one more

select counted.total, page.*
  from (select count(*) as total
          from plan_targets
         where ($1::text is null or target_type = $1)
           and ($2::text is null or target_id = $2)
           and ($3::bigint is null or tier_id = $3)) as counted
  left join (
    select t.id, t.tier_id, t.target_type, t.target_id, t.name, t.is_active, t.created_at,
           (select email from users where users.id = t.user_id) as user_email
      from plan_targets t
     where t.id > $4
       and ($1::text is null or t.target_type = $1)
       and ($2::text is null or t.target_id = $2)
       and ($3::bigint is null or t.tier_id = $3)
     order by t.id
     limit $5) as page on true
 order by page.id;
