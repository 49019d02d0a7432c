INSERT INTO catalog_product_entity (entity_type_id, attribute_set_id, sku, created_at)
  SELECT 4, 4, CONCAT('sku-', seq), NOW() FROM seq_1_to_{{rows}};
INSERT INTO sales_flat_order (state, status, store_id, customer_id, grand_total, increment_id, customer_email, created_at)
  SELECT 'complete', 'complete', 1, seq, seq, CONCAT('b', seq), CONCAT(seq, '@example.com'), NOW() FROM seq_1_to_{{rows}};
INSERT INTO core_url_rewrite (store_id, id_path, request_path, target_path, product_id)
  SELECT 1, CONCAT('product/b', seq), CONCAT('b', seq, '.html'), CONCAT('catalog/product/view/id/', seq), seq FROM seq_1_to_{{rows}};
