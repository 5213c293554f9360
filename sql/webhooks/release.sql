-- Ends a lease without an attempt, so that another worker can deliver.
--
--   $1 id     uuid
--   $2 lease  integer

update webhook_deliveries
   set locked_until = null, attempts = attempts - 1
 where id = $1
   and lease = $2
   and state = 'pending';
