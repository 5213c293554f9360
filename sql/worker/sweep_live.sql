-- Removes events that connected clients could follow for a day, so many at a time; answers how many. The newest with a position stays:
-- by it a client that resumes is known to have missed nothing.
--
--   $1 most  bigint

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
