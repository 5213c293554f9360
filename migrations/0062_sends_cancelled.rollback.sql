alter table notification_sends drop column is_cancelled;
