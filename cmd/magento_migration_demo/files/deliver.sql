-- What one cycle of the tool's delta does for one document: rows that wait in the log are copied or deleted, and leave the log.
UPDATE live1.m2_cl_{{document}} l LEFT JOIN live1.{{document}} o USING ({{key}}) SET l.processed = 1 WHERE o.{{key}} IS NOT NULL OR l.operation = 'DELETE';
DELETE FROM live2.{{magento2}} WHERE {{key}} IN (SELECT {{key}} FROM live1.m2_cl_{{document}} WHERE processed = 1 AND operation = 'DELETE');
REPLACE INTO live2.{{magento2}} ({{columns}}) SELECT {{columns}} FROM live1.{{document}} WHERE {{key}} IN (SELECT {{key}} FROM live1.m2_cl_{{document}} WHERE processed = 1);
DELETE FROM live1.m2_cl_{{document}} WHERE processed = 1;
