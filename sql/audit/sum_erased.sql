-- Sums the announced erasures of data and of origins, including those of removed entries, and counts the entries that
-- are not sealed yet.

with checkpoint as (
    select data
      from (select data
              from audit_entries
             where type = 'audit.removed'
             order by id desc
             limit 100) as latest
     order by (data ->> 'position')::bigint desc nulls last
     limit 1
)
select (coalesce(sum((data ->> 'entries')::bigint), 0)
        + coalesce((select (data ->> 'announced_data')::bigint from checkpoint), 0))::bigint as entries,
       (coalesce(sum((data ->> 'origins')::bigint), 0)
        + coalesce((select (data ->> 'announced_origins')::bigint from checkpoint), 0))::bigint as origins,
       (select count(*) from audit_entries where position is null) as waiting
  from audit_entries
 where type = 'audit.erased';
