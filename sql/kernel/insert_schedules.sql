-- Inserts schedules with their first due time. A schedule with an unchanged declaration keeps its due time, which may
-- be in the past.
--
--   $1 tasks     text[]
--   $2 declared  text[]         the times and time zone, as declared in code
--   $3 due       timestamptz[]

insert into schedules (task, declared, due_at)
select * from unnest($1::text[], $2::text[], $3::timestamptz[])
    on conflict on constraint schedules_pkey do update
   set declared = excluded.declared,
       due_at = excluded.due_at
 where schedules.declared <> excluded.declared;
