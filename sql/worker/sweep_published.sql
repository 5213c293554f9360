-- Removes events a week after they were published, so many at a time; answers how many.
--
--   $1 most  bigint

with swept as (
    delete from outbox_events
     where id in (select id from outbox_events where published_at < now() - interval '7 days' limit $1)
    returning 1
)
select count(*)::integer from swept;
