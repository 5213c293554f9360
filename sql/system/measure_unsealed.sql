-- How many audit entries are not sealed yet, 10,000 at most, and the age in seconds of the oldest of them.

select count(*) as entries,
       coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as oldest_seconds
  from (
      select created_at
        from audit_entries
       where position is null
       order by seq
       limit 10000
  ) as unsealed;
