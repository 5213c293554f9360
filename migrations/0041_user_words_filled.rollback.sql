-- The rows stay until 0040 drops their table.
do $$ begin end $$;
