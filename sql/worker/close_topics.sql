-- Marks topics as refused by Kafka and sets the time of their next probe.
--
--   $1 topics   text[]
--   $2 reasons  text[]  the reason for each topic
--   $3 seconds  float   time until the next probe

insert into outbox_topics (topic, reason, probe_at)
select topic, reason, clock_timestamp() + $3::float8 * interval '1 second'
  from unnest($1::text[], $2::text[]) as given (topic, reason)
on conflict on constraint outbox_topics_pkey
do update set reason = excluded.reason, probe_at = excluded.probe_at;
