-- Lets the current secret of an endpoint expire, and deletes all earlier ones but the newest.
--
--   $1 endpoint_id  uuid
--   $2 hours        integer  until then it signs beside the next one

with earlier as (
    delete from webhook_secrets
     where endpoint_id = $1
       and expires_at is not null
       and id not in (select id
                        from webhook_secrets
                       where endpoint_id = $1
                         and expires_at is not null
                       order by id desc
                       limit 1)
)
update webhook_secrets
   set expires_at = now() + $2::integer * interval '1 hour'
 where endpoint_id = $1
   and expires_at is null;
