-- The oldest position that is kept, and the newest.

select coalesce(min(position), 0) as oldest, coalesce(max(position), 0) as newest from outbox_live;
