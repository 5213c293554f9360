-- Validates the constraints of 0060 without blocking writes.
alter table plan_rules
    validate constraint plan_rules_quota_check,
    validate constraint plan_rules_quota_period_check,
    validate constraint plan_rules_quota_both_check;
