-- Gives leases back unused: the queue could not take them, or the worker stops. No attempt was made, so none counts; the lease's number
-- is spent all the same, so that a job which the queue did take after all finds nothing.
--
--   $1 ids     uuid[]
--   $2 leases  int4[]  of each

update outbox_tasks
   set locked_until = null,
       attempts = attempts - 1
  from unnest($1::uuid[], $2::integer[]) as given (id, lease)
 where outbox_tasks.id = given.id
   and outbox_tasks.lease = given.lease
   and outbox_tasks.locked_until is not null;
