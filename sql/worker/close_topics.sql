-- Remembers that Kafka does not take these topics, and when to probe them again.
--
--   $1 topics   text[]
--   $2 reasons  text[]  of each
--   $3 seconds  float   until the next probe

insert into outbox_topics (topic, reason, probe_at)
select topic, reason, clock_timestamp() + $3::float8 * interval '1 second'
  from unnest($1::text[], $2::text[]) as given (topic, reason)
on conflict on constraint outbox_topics_pkey
do update set reason = excluded.reason, probe_at = excluded.probe_at;
