-- Leases the tasks of these kinds that have been due for longest: for so many seconds they are this lease's. Each kind's are read along
-- an index and no further than $2, so that neither what is not due yet nor other kinds cost anything.
--
--   $1 names    text[]
--   $2 most     bigint
--   $3 seconds  float

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
