-- Finds the current start of the chain, as recorded by the latest removal of old entries. Considers the latest 100
-- removals by id, because the clocks of two processes may differ.

select (data ->> 'position')::bigint as last, decode(data ->> 'hash', 'hex') as link,
       (data ->> 'erased_data')::integer as erased_data, (data ->> 'erased_origins')::integer as erased_origins,
       (data ->> 'announced_data')::integer as announced_data, (data ->> 'announced_origins')::integer as announced_origins
  from (select data
          from audit_entries
         where type = 'audit.removed'
         order by id desc
         limit 100) as latest
 order by last desc nulls last
 limit 1;
