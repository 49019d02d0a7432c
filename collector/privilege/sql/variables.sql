SHOW GLOBAL VARIABLES
WHERE Variable_name IN (
    'version', 'version_comment', 'basedir', 'datadir',
    'lower_case_table_names', 'partial_revokes', 'read_only', 'super_read_only',
    'log_bin', 'binlog_format', 'log_bin_trust_function_creators',
    'wsrep_on', 'wsrep_provider', 'aurora_version',
    'innodb_read_only', 'innodb_force_recovery',
    'gtid_domain_id', 'activate_all_roles_on_login', 'max_execution_time'
  )
  OR Variable_name LIKE 'rds\_%'
