-- Assigns positions to a batch of committed events, in order. Returns their number. The lock is held until the commit, so that positions
-- follow the order of these commits. Rows numbered concurrently by another process are skipped, because `update` checks
-- them again.
--
--   $1 most  bigint  the batch size

with fresh as materialized (
    select seq from outbox_live where position is null order by seq limit $1
), locked as materialized (
    select pg_advisory_xact_lock(730615204417) from (select from fresh limit 1) as any_fresh
), numbered as materialized (
    select seq, nextval('outbox_live_positions') as position
      from (select fresh.seq from locked, fresh order by fresh.seq) as ordered
), done as (
    update outbox_live
       set position = numbered.position
      from numbered
     where outbox_live.seq = numbered.seq
       and outbox_live.position is null
    returning 1
)
select count(*)::integer from done;
