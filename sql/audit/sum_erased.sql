-- How many entries' data and origins were erased with their accounts, and how many entries are not sealed yet.

select coalesce(sum((data ->> 'entries')::integer), 0)::integer as entries,
       coalesce(sum((data ->> 'origins')::integer), 0)::integer as origins,
       (select count(*)::integer from audit_entries where position is null) as waiting
  from audit_entries
 where type = 'audit.erased';
