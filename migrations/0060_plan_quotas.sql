-- Quotas: calls of an account in a calendar day or month (UTC), beside the rate of a rule.

alter table plan_rules
    add column quota         bigint,
    add column quota_period  text,
    add constraint plan_rules_quota_check check (quota between 1 and 1000000000000) not valid,
    add constraint plan_rules_quota_period_check check (quota_period in ('day', 'month')) not valid,
    add constraint plan_rules_quota_both_check check ((quota is null) = (quota_period is null)) not valid;

-- The calls of an account in one period, counted for a path, and not for a rule: replacing a rule continues the count. `held` calls are
-- reserved by web processes, which let them in without a statement; used + held never exceeds the quota. `granted` is the size of the last
-- reservation, which its statement returns. `short_at` is when the first reservation found nothing left: processes then give back what they hold.
-- Rows are updated each second, so that pages keep room for their next version.
create table plan_counts (
    user_id   uuid not null,
    path      text not null,
    period    text not null,
    starts    timestamptz not null,
    used      bigint not null,
    held      bigint not null,
    granted   bigint not null,
    short_at  timestamptz,
    constraint plan_counts_pkey primary key (user_id, path, period, starts),
    constraint plan_counts_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint plan_counts_period_check check (period in ('day', 'month'))
) with (fillfactor = 70);

-- For the deletion of old rows, and for processes that hold calls of quotas that others have used up.
create index plan_counts_starts on plan_counts (starts);
create index plan_counts_short_at on plan_counts (short_at) where short_at is not null;

comment on table plan_counts is 'Retention: a week after their period, sweep delete_old_counts; with their account.';
