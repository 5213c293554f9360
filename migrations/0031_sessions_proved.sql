-- 0011 added the rule as `not valid`, so that it checked new rows alone. Validating reads the table under a lock (SHARE UPDATE EXCLUSIVE)
-- beside which requests read and write.
alter table sessions
    validate constraint sessions_end_reason;
