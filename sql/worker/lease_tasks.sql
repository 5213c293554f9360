-- Leases the oldest tasks that are due, of the kinds this worker knows: for so many seconds they are this lease's.
--
--   $1 names    text[]
--   $2 most     bigint
--   $3 seconds  float

update outbox_tasks
   set locked_until = now() + $3 * interval '1 second',
       lease = lease + 1,
       attempts = attempts + 1
 where id in (
        select id
          from outbox_tasks
         where dead_at is null
           and available_at <= now()
           and (locked_until is null or locked_until < now())
           and task = any($1::text[])
         order by seq
         limit $2
           for update skip locked)
returning id, task, lease;
