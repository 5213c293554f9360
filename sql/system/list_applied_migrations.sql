-- Lists the migrations that the release process has applied.

select migration_id
  from _yoyo_migration;
