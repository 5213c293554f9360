-- Locks the dead message whose retry was requested first. Skips messages locked by another worker.

select id, topic, dead_topic, dead_partition, dead_offset
  from inbox_dead
 where retried_at is not null
 order by retried_at
 limit 1
   for update skip locked;
