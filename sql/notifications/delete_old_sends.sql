-- Deletes a batch of sends of 30 days ago, after which their keys may be used again. Returns their number.
--
--   $1 most  bigint

with gone as (
    delete from notification_sends
     where id in (select id
                    from notification_sends
                   where created_at < now() - interval '30 days'
                     and finished_at is not null
                   order by created_at
                   limit $1
                     for update skip locked)
    returning 1
)
select count(*)::integer
  from gone;
