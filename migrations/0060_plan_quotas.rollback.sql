drop table plan_counts;
alter table plan_rules
    drop constraint plan_rules_quota_check,
    drop constraint plan_rules_quota_period_check,
    drop constraint plan_rules_quota_both_check,
    drop column quota,
    drop column quota_period;
