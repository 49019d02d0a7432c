-- One step of a shop that sells: a new customer, quote and order, and an older order that is shipped.
INSERT INTO customer_entity (email, created_at, updated_at) VALUES (CONCAT('customer', {{n}}, '@example.com'), NOW(), NOW());
INSERT INTO sales_flat_quote (is_active, items_count, created_at, updated_at) VALUES (1, 2, NOW(), NOW());
INSERT INTO sales_flat_order (status, increment_id, updated_at) VALUES ('pending', CONCAT('2', LPAD({{n}}, 8, '0')), NOW());
UPDATE sales_flat_order SET status = 'complete', updated_at = NOW() WHERE increment_id = CONCAT('2', LPAD({{n}} - 3, 8, '0'));
