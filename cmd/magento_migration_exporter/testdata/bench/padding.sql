CREATE TABLE {{table}} (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  parent_id int(10) unsigned DEFAULT NULL,
  store_id smallint(5) unsigned NOT NULL DEFAULT 0,
  identifier varchar(255) NOT NULL,
  description text,
  base_amount decimal(12,4) DEFAULT NULL,
  is_active smallint(6) NOT NULL DEFAULT 1,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  CONSTRAINT FK_{{table}}_PARENT FOREIGN KEY (parent_id) REFERENCES {{parent}} (entity_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
