-- What was brought into its normal form stays so; the earlier code reads it as well.
do $$ begin end $$;
