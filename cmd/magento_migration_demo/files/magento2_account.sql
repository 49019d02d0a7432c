-- It lacks DROP, without which the tool cannot empty tables.
CREATE USER 'migration'@'localhost' IDENTIFIED BY '{{password}}';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON `magento2`.* TO 'migration'@'localhost';
