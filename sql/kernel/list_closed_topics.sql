-- The topics that Kafka does not take, while something waits for them.

select topic, reason, since
  from outbox_topics as closed
 where exists (
        select 1
          from outbox_events
         where published_at is null and dead_at is null and available_at is null and not held
           and topic = closed.topic)
    or exists (
        select 1
          from outbox_events
         where published_at is null and dead_at is null and available_at is not null
           and topic = closed.topic)
 order by topic;
