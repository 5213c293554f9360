-- Deletes events a week after they were published, or at once if their user was deleted. Returns their number.
--
--   $1 most  bigint  the batch size

with swept as (
    delete from outbox_events
     where id = any(array(
        (select id from outbox_events where published_at < now() - interval '7 days' limit $1)
        union
        (select id from outbox_events where erased and published_at is not null limit $1)
        limit $1))
    returning 1
)
select count(*)::integer from swept;
