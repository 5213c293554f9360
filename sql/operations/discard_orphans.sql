-- Deletes pending tasks that no feature of this release defines. Tasks leased by a worker of an older release are kept.
--
--   $1 known  text[]  names of the defined tasks
--   $2 task   text    only this name; null: any
--   $3 most   bigint

with orphan as (
    select seq
      from outbox_tasks
     where dead_at is null
       and task <> all($1::text[])
       and ($2::text is null or task = $2)
       and (locked_until is null or locked_until < now())
     order by seq
     limit $3
       for update skip locked
)
delete from outbox_tasks
 using orphan
 where outbox_tasks.seq = orphan.seq
returning outbox_tasks.id, 'task' as kind, outbox_tasks.task as type;
