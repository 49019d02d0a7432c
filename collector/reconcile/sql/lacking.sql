(SELECT '' AS code, s.attribute_set_id FROM %[1]s s JOIN %[2]s t ON t.entity_type_id = s.entity_type_id
WHERE t.entity_type_code = 'catalog_product' LIMIT 5000)
UNION ALL
(SELECT a.attribute_code, s.attribute_set_id
FROM %[1]s s
JOIN %[2]s t ON t.entity_type_id = s.entity_type_id
JOIN %[3]s a ON a.entity_type_id = t.entity_type_id
LEFT JOIN %[4]s e ON e.attribute_set_id = s.attribute_set_id AND e.attribute_id = a.attribute_id
WHERE t.entity_type_code = 'catalog_product' AND e.attribute_id IS NULL
AND (a.is_user_defined = 1 OR a.attribute_code IN (%[5]s))
ORDER BY a.attribute_code, s.attribute_set_id
LIMIT 50000)
