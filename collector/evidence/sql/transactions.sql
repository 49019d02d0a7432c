SELECT t.trx_mysql_thread_id, p.USER, TIMESTAMPDIFF(SECOND, t.trx_started, NOW()),
       COALESCE(p.INFO LIKE 'SELECT /*!40001 SQL_NO_CACHE */%', 0)
FROM information_schema.INNODB_TRX t
LEFT JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
WHERE t.trx_started < NOW() - INTERVAL ? SECOND AND t.trx_mysql_thread_id NOT IN (0, CONNECTION_ID())
  AND (p.DB IS NULL OR p.DB = DATABASE())
ORDER BY t.trx_started
LIMIT 20
