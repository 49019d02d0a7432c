SELECT i.VARIABLE_SOURCE, p.VARIABLE_VALUE
FROM performance_schema.variables_info AS i
LEFT JOIN performance_schema.persisted_variables AS p ON p.VARIABLE_NAME = i.VARIABLE_NAME
WHERE i.VARIABLE_NAME = 'log_bin_trust_function_creators'
