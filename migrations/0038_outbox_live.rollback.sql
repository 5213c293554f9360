drop table outbox_live;
