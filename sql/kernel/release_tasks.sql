-- Gives leases back unused: the queue could not take them, or the worker stops. That attempt does not count.
--
--   $1 ids  uuid[]

update outbox_tasks
   set locked_until = null,
       attempts = attempts - 1
 where id = any($1::uuid[])
   and locked_until is not null;
