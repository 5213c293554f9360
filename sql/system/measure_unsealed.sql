-- Counts audit entries that are not sealed yet, up to 10,000, and measures the age of the oldest in seconds.

select count(*) as entries,
       coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as oldest_seconds
  from (
      select created_at
        from audit_entries
       where position is null
       order by seq
       limit 10000
  ) as unsealed;
