-- Validates the constraint of 0060 without blocking writes.
alter table plan_rules validate constraint plan_rules_quota_check;
