-- Finds the oldest and the newest position.

select coalesce(min(position), 0) as oldest, coalesce(max(position), 0) as newest from outbox_live;
