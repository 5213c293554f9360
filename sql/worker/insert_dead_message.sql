-- Records a message that was published to the topic of dead letters.
--
--   $1 topic           text
--   $2 group_id        text
--   $3 partition       integer
--   $4 offset          bigint
--   $5 dead_topic      text
--   $6 dead_partition  integer
--   $7 dead_offset     bigint
--   $8 reason          text
--   $9 attempts        integer
--   $10 sent_at        bigint   milliseconds since 1970-01-01 UTC

insert into inbox_dead (topic, group_id, partition, "offset", dead_topic, dead_partition, dead_offset, last_error, attempts, sent_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict on constraint inbox_dead_place_key
do update set dead_topic = excluded.dead_topic, dead_partition = excluded.dead_partition, dead_offset = excluded.dead_offset;
