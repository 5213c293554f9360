-- Deletes a batch of events that connected clients could follow for a day. Returns their number. The newest numbered
-- event is kept, so that a resuming client can detect whether it missed events.
--
--   $1 most  bigint  the batch size

with swept as (
    delete from outbox_live
     where seq = any(array(
        select seq
          from outbox_live
         where created_at < now() - interval '1 day'
           and position is distinct from (select max(position) from outbox_live)
         order by created_at
         limit $1))
    returning 1
)
select count(*)::integer from swept;
