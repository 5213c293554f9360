-- Counts dead letters.

select (select count(*) from outbox_events where dead_at is not null)
     + (select count(*) from outbox_tasks where dead_at is not null)
     + (select count(*) from inbox_dead where retried_at is null);
