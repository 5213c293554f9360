-- Finds the oldest and the newest position, and the epoch in which they are valid. A database that was restored from a
-- backup assigns its latest positions again: by pg_restore, the table is another one, and a point-in-time recovery or a
-- failover begins a timeline.

select coalesce(min(position), 0) as oldest,
       coalesce(max(position), 0) as newest,
       to_hex(hashtext(concat_ws(' ',
            (select system_identifier from pg_control_system()),
            (select timeline_id from pg_control_checkpoint()),
            (select oid from pg_database where datname = current_database()),
            'outbox_live'::regclass::oid))) as epoch
  from outbox_live;
