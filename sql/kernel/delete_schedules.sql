-- Forgets schedules that the code does not declare, an hour after they were due: a worker of a newer release would have run them. Answers
-- how many.
--
--   $1 tasks     text[]
--   $2 declared  text[]  of each

with deleted as (
    delete from schedules
     where due_at < now() - interval '1 hour'
       and (task, declared) not in (select * from unnest($1::text[], $2::text[]))
    returning 1
)
select count(*)::integer from deleted;
