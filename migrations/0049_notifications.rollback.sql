drop function notification_switch(uuid, text[], text, text);
drop table notification_keys;
drop table notification_switches;
drop table notification_role_switches;
drop table notification_mails;
drop table notifications;
drop table notification_digests;
drop table notification_sends;
drop table notification_boxes;
