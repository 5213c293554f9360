drop table plan_version;
drop table plan_rules;
drop table plan_targets;
drop table plan_tiers;
