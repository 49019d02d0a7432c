-- The account of the second migration holds what the tool needs.
CREATE USER 'window'@'localhost' IDENTIFIED BY '{{password}}';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, TRIGGER ON `live1`.* TO 'window'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES ON `live2`.* TO 'window'@'localhost';
