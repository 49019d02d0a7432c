(SELECT suffix.store_id,
  IF(suffix.product = '' OR suffix.product LIKE '.%', suffix.product, CONCAT('.', suffix.product)) AS product,
  IF(suffix.category = '' OR suffix.category LIKE '.%', suffix.category, CONCAT('.', suffix.category)) AS category
FROM (SELECT s.store_id,
    IF(ps.path IS NOT NULL, COALESCE(ps.value, ''), IF(pw.path IS NOT NULL, COALESCE(pw.value, ''), IF(pd.path IS NOT NULL, COALESCE(pd.value, ''), '.html'))) AS product,
    IF(cs.path IS NOT NULL, COALESCE(cs.value, ''), IF(cw.path IS NOT NULL, COALESCE(cw.value, ''), IF(cd.path IS NOT NULL, COALESCE(cd.value, ''), '.html'))) AS category
  FROM {{core_store}} s
  LEFT JOIN {{core_config_data}} ps ON ps.scope = 'stores' AND ps.path = 'catalog/seo/product_url_suffix' AND ps.scope_id = s.store_id
  LEFT JOIN {{core_config_data}} pw ON pw.scope = 'websites' AND pw.path = 'catalog/seo/product_url_suffix' AND pw.scope_id = s.website_id
  LEFT JOIN {{core_config_data}} pd ON pd.scope = 'default' AND pd.path = 'catalog/seo/product_url_suffix'
  LEFT JOIN {{core_config_data}} cs ON cs.scope = 'stores' AND cs.path = 'catalog/seo/category_url_suffix' AND cs.scope_id = s.store_id
  LEFT JOIN {{core_config_data}} cw ON cw.scope = 'websites' AND cw.path = 'catalog/seo/category_url_suffix' AND cw.scope_id = s.website_id
  LEFT JOIN {{core_config_data}} cd ON cd.scope = 'default' AND cd.path = 'catalog/seo/category_url_suffix') suffix)
