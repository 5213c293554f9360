-- Releases unused leases, when the queue refused the tasks or the worker stops. The attempt is not counted. The lease
-- number is not reused, so that a job that did reach the queue finds no lease.
--
--   $1 ids     uuid[]
--   $2 leases  int4[]  the lease of each task

update outbox_tasks
   set locked_until = null,
       attempts = attempts - 1
  from unnest($1::uuid[], $2::integer[]) as given (id, lease)
 where outbox_tasks.id = given.id
   and outbox_tasks.lease = given.lease
   and outbox_tasks.locked_until is not null;
