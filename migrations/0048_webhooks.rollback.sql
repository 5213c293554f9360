drop trigger webhook_deliveries_of_event on audit_entries;
drop function webhook_deliveries_of_event();
drop table webhook_attempts;
drop table webhook_deliveries;
drop table webhook_secrets;
drop table webhook_endpoints;
