SELECT path, store, GROUP_CONCAT(DISTINCT target ORDER BY priority, target SEPARATOR '\n')
FROM (
  -- Products of the default scope, in the stores of their websites that have no path of their own for them.
  SELECT CONCAT(r.request_path, COALESCE(x.product, '.html')) AS path, s.store_id AS store, r.target_path AS target, 4 AS priority
  FROM {{enterprise_url_rewrite}} r
  JOIN {{enterprise_catalog_product_rewrite}} e ON e.url_rewrite_id = r.url_rewrite_id
  JOIN {{catalog_product_entity_url_key}} p ON p.value_id = r.value_id
  JOIN {{catalog_product_website}} w ON w.product_id = p.entity_id
  JOIN {{core_store}} s ON s.website_id = w.website_id
  LEFT JOIN {{suffix}} x ON x.store_id = s.store_id
  WHERE [[r.request_path]] AND e.store_id = 0 AND NOT EXISTS (
    SELECT /*+ NO_SEMIJOIN() */ 1 FROM {{catalog_product_entity_url_key}} k
    JOIN {{enterprise_url_rewrite}} o ON o.value_id = k.value_id
    JOIN {{enterprise_catalog_product_rewrite}} f ON f.url_rewrite_id = o.url_rewrite_id
    WHERE k.entity_id = p.entity_id AND f.store_id > 0 AND f.store_id = s.store_id)
  UNION ALL
  -- Products of a store.
  SELECT CONCAT(r.request_path, COALESCE(x.product, '.html')), e.store_id, r.target_path, 4
  FROM {{enterprise_url_rewrite}} r
  JOIN {{enterprise_catalog_product_rewrite}} e ON e.url_rewrite_id = r.url_rewrite_id
  JOIN {{catalog_product_entity_url_key}} p ON p.value_id = r.value_id
  LEFT JOIN {{suffix}} x ON x.store_id = e.store_id
  WHERE [[r.request_path]] AND e.store_id > 0
  UNION ALL
  -- Categories of the default scope, with its suffix, in all stores.
  SELECT CONCAT(r.request_path, COALESCE(x.category, '.html')), s.store_id, r.target_path, 3
  FROM {{enterprise_url_rewrite}} r
  JOIN {{enterprise_catalog_category_rewrite}} e ON e.url_rewrite_id = r.url_rewrite_id
  JOIN {{catalog_category_entity_url_key}} c ON c.value_id = r.value_id
  JOIN {{core_store}} s ON s.store_id > 0
  LEFT JOIN {{suffix}} x ON x.store_id = e.store_id
  WHERE [[r.request_path]] AND e.store_id = 0
  UNION ALL
  -- Categories of a store.
  SELECT CONCAT(r.request_path, COALESCE(x.category, '.html')), e.store_id, r.target_path, 3
  FROM {{enterprise_url_rewrite}} r
  JOIN {{enterprise_catalog_category_rewrite}} e ON e.url_rewrite_id = r.url_rewrite_id
  JOIN {{catalog_category_entity_url_key}} c ON c.value_id = r.value_id
  LEFT JOIN {{suffix}} x ON x.store_id = e.store_id
  WHERE [[r.request_path]] AND e.store_id > 0
  UNION ALL
  -- Redirects, in all stores.
  SELECT r.request_path, s.store_id, r.target_path, 2
  FROM {{enterprise_url_rewrite}} r
  JOIN {{enterprise_url_rewrite_redirect_rewrite}} e ON e.url_rewrite_id = r.url_rewrite_id
  JOIN {{enterprise_url_rewrite_redirect}} d ON d.redirect_id = e.redirect_id
  JOIN {{core_store}} s ON s.store_id > 0
  WHERE [[r.request_path]]
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
