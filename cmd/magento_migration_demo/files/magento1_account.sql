-- This account can run the shop, but not the Data Migration Tool: it lacks CREATE, DROP and TRIGGER.
CREATE USER 'migration'@'localhost' IDENTIFIED BY '{{password}}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `magento1`.* TO 'migration'@'localhost';
