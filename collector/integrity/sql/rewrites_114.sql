SELECT path, store, GROUP_CONCAT(DISTINCT target ORDER BY priority, target SEPARATOR '\n')
FROM (
  SELECT rewrites.path, rewrites.store, rewrites.target, rewrites.priority
  FROM (
    -- Products of the default scope, in the stores of their websites that have no path of their own for them.
    SELECT CONCAT(r.request_path, COALESCE(x.product, '.html')) AS path, s.store_id AS store, r.target_path AS target, 4 AS priority
    FROM {{enterprise_url_rewrite}} r
    JOIN {{catalog_product_entity_url_key}} p ON p.value_id = r.value_id
    JOIN {{catalog_product_website}} w ON w.product_id = p.entity_id
    JOIN {{core_store}} s ON s.website_id = w.website_id
    LEFT JOIN {{suffix}} x ON x.store_id = s.store_id
    WHERE [[r.request_path]] AND r.entity_type = 3 AND r.store_id = 0 AND NOT EXISTS (
      SELECT /*+ NO_SEMIJOIN() */ 1 FROM {{catalog_product_entity_url_key}} k JOIN {{enterprise_url_rewrite}} o ON o.value_id = k.value_id
      WHERE k.entity_id = p.entity_id AND o.entity_type = 3 AND o.store_id > 0 AND o.store_id = s.store_id)
    UNION ALL
    -- Products of a store.
    SELECT CONCAT(r.request_path, COALESCE(x.product, '.html')), r.store_id, r.target_path, 4
    FROM {{enterprise_url_rewrite}} r
    JOIN {{catalog_product_entity_url_key}} p ON p.value_id = r.value_id
    LEFT JOIN {{suffix}} x ON x.store_id = r.store_id
    WHERE [[r.request_path]] AND r.entity_type = 3 AND r.store_id > 0
    UNION ALL
    -- Categories.
    SELECT CONCAT(r.request_path, COALESCE(x.category, '.html')), r.store_id, r.target_path, 3
    FROM {{enterprise_url_rewrite}} r
    JOIN {{catalog_category_entity_url_key}} c ON c.value_id = r.value_id
    LEFT JOIN {{suffix}} x ON x.store_id = r.store_id
    WHERE [[r.request_path]] AND r.entity_type = 2
    UNION ALL
    -- Custom ones.
    SELECT r.request_path, r.store_id, r.target_path, 2
    FROM {{enterprise_url_rewrite}} r
    WHERE [[r.request_path]] AND r.entity_type = 1
  ) rewrites
  -- A redirect replaces what has its path.
  LEFT JOIN {{enterprise_url_rewrite_redirect}} redirected ON redirected.identifier = rewrites.path AND redirected.store_id = rewrites.store
  WHERE redirected.redirect_id IS NULL
  UNION ALL
  SELECT r.identifier, r.store_id, CASE
      WHEN r.product_id IS NOT NULL AND r.category_id IS NOT NULL THEN CONCAT('catalog/product/view/id/', r.product_id, '/category/', r.category_id)
      WHEN r.product_id IS NOT NULL THEN CONCAT('catalog/product/view/id/', r.product_id)
      WHEN r.category_id IS NOT NULL THEN CONCAT('catalog/category/view/id/', r.category_id)
      ELSE r.target_path END, 1
  FROM {{enterprise_url_rewrite_redirect}} r
  WHERE [[r.identifier]]
  UNION ALL
  SELECT p.identifier, IF(s.store_id = 0, 1, s.store_id), CONCAT('cms/page/view/page_id/', MIN(p.page_id)), 5
  FROM {{cms_page}} p
  JOIN {{cms_page_store}} s ON s.page_id = p.page_id
  GROUP BY p.identifier, s.store_id
) paths
WHERE [[path]]
GROUP BY path, store
HAVING COUNT(DISTINCT target) > 1
ORDER BY store, path
LIMIT ?
