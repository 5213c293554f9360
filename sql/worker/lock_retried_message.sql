-- A message that somebody wants tried again, the first one that asked; another worker passes it by until this transaction ends.

select id, topic, dead_topic, dead_partition, dead_offset
  from inbox_dead
 where retried_at is not null
 order by retried_at
 limit 1
   for update skip locked;
