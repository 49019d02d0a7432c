CREATE TABLE {{prefix}}m2_cl_{{document}} (
  {{key}} int(11) NOT NULL,
  operation text DEFAULT NULL,
  processed tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY ({{key}})
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE DEFINER={{definer}} TRIGGER trg_{{prefix}}{{document}}_after_insert AFTER INSERT ON {{prefix}}{{document}} FOR EACH ROW
BEGIN
INSERT INTO {{prefix}}m2_cl_{{document}} ({{key}}, operation) VALUES (NEW.{{key}}, 'INSERT') ON DUPLICATE KEY UPDATE operation = 'INSERT';
END;

CREATE DEFINER={{definer}} TRIGGER trg_{{prefix}}{{document}}_after_update AFTER UPDATE ON {{prefix}}{{document}} FOR EACH ROW
BEGIN
INSERT INTO {{prefix}}m2_cl_{{document}} ({{key}}, operation) VALUES (NEW.{{key}}, 'UPDATE') ON DUPLICATE KEY UPDATE operation = 'UPDATE';
END;

CREATE DEFINER={{definer}} TRIGGER trg_{{prefix}}{{document}}_after_delete AFTER DELETE ON {{prefix}}{{document}} FOR EACH ROW
BEGIN
INSERT INTO {{prefix}}m2_cl_{{document}} ({{key}}, operation) VALUES (OLD.{{key}}, 'DELETE') ON DUPLICATE KEY UPDATE operation = 'DELETE';
END;
