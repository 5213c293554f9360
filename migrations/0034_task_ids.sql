-- The lease under which the latest attempt began. A task that is deferred again under the same id while an attempt runs must run once
-- more, because that attempt may have read what has changed since; one that is only leased has read nothing yet.
-- Null in rows of earlier code: these count as not begun.
alter table outbox_tasks add column begun_lease integer;
