-- Announces a change of plans to the web processes. First statement of each change: its lock orders the changes.

update plan_version
   set version = version + 1;
