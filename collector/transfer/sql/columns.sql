SELECT TABLE_NAME, COUNT(*), SUM(DATA_TYPE IN ('mediumtext', 'longtext', 'mediumblob', 'longblob', 'json'))
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE()
GROUP BY TABLE_NAME
