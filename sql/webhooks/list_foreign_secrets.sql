-- Lists secrets that are not encrypted with the current key.
--
--   $1 mark   text    the beginning of those that are
--   $2 after  uuid    the last id of the previous batch, or the nil UUID
--   $3 most   bigint  the batch size

select id, endpoint_id, sealed
  from webhook_secrets
 where not starts_with(sealed, $1)
   and id > $2
 order by id
 limit $3;
