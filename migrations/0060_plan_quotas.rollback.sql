drop table plan_counts;
alter table plan_rules
    drop constraint plan_rules_quota_check,
    drop column quota,
    drop column quota_period;
