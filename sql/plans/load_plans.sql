-- Reads the active targets with their rules, if the version is not the known one.
--
--   $1 known  bigint  the version that the caller has, or -1

select v.version,
       case when v.version <> $1 then (
           select coalesce(jsonb_agg(jsonb_build_object(
                      'id', t.id,
                      'tier_id', t.tier_id,
                      'target_type', t.target_type,
                      'target_id', t.target_id,
                      'rules', (select coalesce(jsonb_agg(jsonb_build_object(
                                           'id', r.id,
                                           'tier_target_id', r.tier_target_id,
                                           'name', r.name,
                                           'path', r.path,
                                           'limit', r.most,
                                           'period', r.seconds,
                                           'quota', r.quota,
                                           'quota_period', r.quota_period) order by r.id), '[]'::jsonb)
                                  from plan_rules r
                                 where r.tier_target_id = t.id)) order by t.id), '[]'::jsonb)
             from plan_targets t
            where t.is_active
       ) end as targets
  from plan_version v;
