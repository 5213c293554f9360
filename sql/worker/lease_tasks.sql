-- Leases the tasks with these names that have been due longest. Reads along an index, up to $2 rows of each name, so
-- that tasks that are not due and tasks with other names add no cost.
--
--   $1 names    text[]
--   $2 most     bigint
--   $3 seconds  float   duration of the lease

update outbox_tasks
   set locked_until = now() + $3 * interval '1 second',
       lease = lease + 1,
       attempts = attempts + 1
 where id in (
        select due.id
          from unnest($1::text[]) as kind (name),
               lateral (select id, seq, available_at
                          from outbox_tasks
                         where task = kind.name
                           and dead_at is null
                           and available_at <= now()
                           and (locked_until is null or locked_until < now())
                         order by available_at, seq
                         limit $2
                           for update skip locked) as due
         order by due.available_at, due.seq
         limit $2)
returning id, task, lease;
