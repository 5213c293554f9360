-- Locks the switches of all roles against other changes.

lock table notification_role_switches in share row exclusive mode;
