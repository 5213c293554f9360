-- Deletes a batch of digests of 30 days ago. Returns their number.
--
--   $1 most  bigint

with gone as (
    delete from notification_digests
     where id in (select id
                    from notification_digests
                   where due_at < now() - interval '30 days'
                   order by due_at
                   limit $1
                     for update skip locked)
    returning 1
)
select count(*)::integer
  from gone;
