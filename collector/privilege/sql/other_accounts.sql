SELECT User, Host FROM mysql.db WHERE User IN (?, '')
UNION
SELECT User, Host FROM mysql.tables_priv WHERE User = ?
ORDER BY User, Host
LIMIT 50
