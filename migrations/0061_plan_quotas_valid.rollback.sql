-- 0060 drops the constraint.
do $$ begin end $$;
