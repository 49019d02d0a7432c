package baseline

import (
	"fmt"
	"strconv"
	"strings"
)

// Condition returns the SQL condition for the rows of the entity's table that installation does not make, for a query
// of the form SELECT … FROM table WHERE condition. It is "" where each row is new.
//
// quote returns the quoted name of one of Magento's tables, with the table prefix in front of the given name. The
// condition has no parameters, and is understood by MySQL 5.6 and later and MariaDB 10 and later. Texts are compared
// byte by byte: see baseline.yml.
func (e Entity) Condition(quote func(table string) string) string {
	switch m := e.made; {
	case m.Keys != nil:
		keys := make([]string, len(m.Keys))
		for i, k := range m.Keys {
			keys[i] = strconv.FormatInt(k, 10)
		}
		return column(e.Key) + " NOT IN (" + strings.Join(keys, ", ") + ")"
	case m.Column != "":
		return "CAST(" + column(m.Column) + " AS BINARY) NOT IN (" + literals(m.Values) + ")"
	case m.Attributes != nil:
		return attributeCondition(m.Attributes, quote)
	case m.DefaultSets:
		return column(e.Key) + " NOT IN (SELECT `default_attribute_set_id` FROM " + quote(EntityTypeTable) +
			" WHERE `default_attribute_set_id` IS NOT NULL)"
	case m.Categories != nil:
		return categoryCondition(*m.Categories, e.Key, quote(e.Table))
	}
	return ""
}

// column quotes the name of a column, which parse has checked.
func column(name string) string { return "`" + name + "`" }

// literals writes values, which parse has checked, as SQL.
func literals(values []string) string { return "'" + strings.Join(values, "', '") + "'" }

// attributeCondition leaves out the attributes of each entity type that modules make.
func attributeCondition(made []attribute, quote func(string) string) string {
	var types []string
	codes := map[string][]string{}
	for _, a := range made {
		if codes[a.Type] == nil {
			types = append(types, a.Type)
		}
		codes[a.Type] = append(codes[a.Type], a.Code)
	}
	var b strings.Builder
	b.WriteString("`is_user_defined` = 1")
	for _, t := range types {
		fmt.Fprintf(&b, " AND NOT (CAST(`attribute_code` AS BINARY) IN (%s) AND "+
			"`entity_type_id` IN (SELECT `entity_type_id` FROM %s WHERE `entity_type_code` = '%s'))",
			literals(codes[t]), quote(EntityTypeTable), t)
	}
	return b.String()
}

// categoryCondition leaves out the root and the default category: the one with the usual id, or the first below the
// root that was made together with it.
func categoryCondition(c categories, key, table string) string {
	return fmt.Sprintf("`%[1]s` <> %[2]d AND `%[1]s` <> COALESCE((SELECT MIN(d.`%[1]s`) FROM %[3]s d, %[3]s r "+
		"WHERE r.`%[1]s` = %[2]d AND (d.`%[1]s` = %[4]d OR d.`level` = 1 AND d.`%[1]s` <> %[2]d AND "+
		"TIMESTAMPDIFF(SECOND, r.`created_at`, d.`created_at`) BETWEEN -%[5]d AND %[5]d)), %[4]d)",
		key, c.Root, table, c.Default, c.WithinSeconds)
}
