drop table operation_log_levels;
