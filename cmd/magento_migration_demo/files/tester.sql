-- Somebody tests Magento 2 before the migration.
INSERT INTO catalog_product_entity (attribute_set_id, type_id, sku) VALUES (4, 'simple', 'tester-1');
