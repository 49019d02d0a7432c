INSERT INTO catalog_product_entity (attribute_set_id, sku)
  SELECT 4, CONCAT('sku-', seq) FROM seq_1_to_{{rows}};
INSERT INTO sales_order (state, status, store_id, customer_id, grand_total, increment_id, customer_email)
  SELECT 'complete', 'complete', 1, seq, seq, CONCAT('b', seq), CONCAT(seq, '@example.com') FROM seq_1_to_{{rows}};
INSERT INTO url_rewrite (entity_type, entity_id, request_path, target_path, store_id)
  SELECT 'product', seq, CONCAT('b', seq, '.html'), CONCAT('catalog/product/view/id/', seq), 1 FROM seq_1_to_{{rows}};
