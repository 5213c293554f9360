alter table outbox_live drop column changes_access;
