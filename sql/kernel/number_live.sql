-- Gives positions to committed events that have none, in their order; so many at a time. The lock lasts until the commit, so that
-- positions are given in the order of these commits. Rows that another process numbered meanwhile are left as they are: `update` looks
-- at them again.
--
--   $1 most  bigint

with fresh as materialized (
    select seq from outbox_live where position is null order by seq limit $1
), locked as materialized (
    select pg_advisory_xact_lock(730615204417) from (select from fresh limit 1) as any_fresh
), numbered as materialized (
    select seq, nextval('outbox_live_positions') as position
      from (select fresh.seq from locked, fresh order by fresh.seq) as ordered
)
update outbox_live
   set position = numbered.position
  from numbered
 where outbox_live.seq = numbered.seq
   and outbox_live.position is null;
