-- Lists the topics that Kafka refuses and that have pending events.

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
