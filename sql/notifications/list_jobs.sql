-- Lists sends, newest first, and counts them up to a bound.
--
--   $1 sender_id  uuid    only of this account; null: any
--   $2 before     uuid    the last send of the previous page
--   $3 most       bigint  the page size and one more
--   $4 counted    bigint

select counted.total, page.*
  from (select count(*) as total
          from (select
                  from notification_sends
                 where $1::uuid is null or sender_id = $1
                 limit $4) as bounded) as counted
  left join (
    select id, kind, subject, audience, role,
           case when is_cancelled then 'cancelled' when finished_at is null then 'running' else 'done' end as state,
           total, notified, created_at, finished_at
      from notification_sends
     where id < $2
       and ($1::uuid is null or sender_id = $1)
     order by id desc
     limit $3) as page on true
 order by page.id desc;
