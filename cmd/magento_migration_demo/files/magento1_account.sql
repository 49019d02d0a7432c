-- An account that can run the shop, but not what the Data Migration Tool does to it: it lacks CREATE, DROP and TRIGGER.
CREATE USER 'migration'@'localhost' IDENTIFIED BY '{{password}}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `magento1`.* TO 'migration'@'localhost';
