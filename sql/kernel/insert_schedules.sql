-- Remembers schedules, and when each is due first. One that is declared as before keeps its due moment, which may have passed.
--
--   $1 tasks     text[]
--   $2 declared  text[]         its times and zone, as the code has them
--   $3 due       timestamptz[]

insert into schedules (task, declared, due_at)
select * from unnest($1::text[], $2::text[], $3::timestamptz[])
    on conflict on constraint schedules_pkey do update
   set declared = excluded.declared,
       due_at = excluded.due_at
 where schedules.declared <> excluded.declared;
