package fit

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
)

// step looks at one range or page. It is true when that was the last one.
func (k *keyed) step(ctx context.Context, p *Plan) (bool, []Problem, error) {
	if k.hashed != nil {
		return k.stepHashed(ctx, p)
	}
	session := p.sides[magento1].Session
	started := time.Now()
	if k.ordered != nil {
		if err := k.advance(ctx, session); err != nil {
			return false, nil, k.otherwise(err)
		}
	}
	var one int
	err := session.Row(ctx, k.query(false), nil, &one)
	if err == nil {
		err = k.members(ctx, p)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, nil, k.otherwise(fmt.Errorf("looking for rows of %s that collide: %w", k.from.name, err))
	}
	if k.ordered == nil {
		return true, k.merged(), nil
	}
	k.width, k.after = paced(k.width, time.Since(started)), k.to
	return k.to == "", k.merged(), nil
}

// otherwise goes on by hashes where statements take too long, or too many rows have the same value in the index. It
// returns other errors.
func (k *keyed) otherwise(err error) error {
	side, confirming := errors.AsType[*database.SideError](err)
	if confirming && side.Side == magento2 || !limited(err) && !errors.Is(err, errCrowded) || k.from.path() == nil {
		return err
	}
	k.ordered, k.found, k.hashed = nil, nil, newHashed(k.from)
	return nil
}

// errCrowded is the error of an index in which many rows have the same value.
var errCrowded = errors.New("too many rows have the same value")

// advance finds the end of the next range, none for the last one.
func (k *keyed) advance(ctx context.Context, session *database.Session) error {
	var value string
	switch err := session.Row(ctx, k.limit(), nil, &value); {
	case errors.Is(err, sql.ErrNoRows):
		k.to = ""
		return nil
	case err != nil:
		return fmt.Errorf("looking for the next rows of %s: %w", k.from.name, err)
	}
	k.to = k.ordered.from.literal(value)
	var one int
	query := fmt.Sprintf("SELECT 1 FROM %s t WHERE t.%s = %s LIMIT 1 OFFSET %d", database.Quote(k.from.name),
		database.Quote(k.ordered.from.name), k.to, crowd)
	switch err := session.Row(ctx, query, nil, &one); {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("looking for the next rows of %s: %w", k.from.name, err)
	}
	return errCrowded
}

// members reads the rows that collide in this bucket, and lets Magento 2's server confirm it.
func (k *keyed) members(ctx context.Context, p *Plan) error {
	var groups [][][]string
	err := p.sides[magento1].Session.Rows(ctx, k.query(true), nil, func(scan func(...any) error) error {
		var text string
		if err := scan(&text); err != nil {
			return err
		}
		var rows [][]string
		for row := range strings.SplitSeq(text, ",") {
			// A value that GROUP_CONCAT cut off, or a row with a NULL of which the other one makes 0.
			if fields := strings.Split(row, ":"); len(fields) == 1+len(k.parts) {
				rows = append(rows, fields)
			}
		}
		groups = append(groups, rows)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the rows of %s that collide: %w", k.from.name, err)
	}
	for _, rows := range groups {
		if err := k.confirm(ctx, p, rows, len(groups) > MaxShown); err != nil {
			return err
		}
	}
	return nil
}

// confirm asks Magento 2's server whether rows that are alike collide there, or it tells them apart by its collation.
func (k *keyed) confirm(ctx context.Context, p *Plan, rows [][]string, more bool) error {
	if len(rows) < 2 {
		return nil
	}
	var n int
	switch err := p.sides[magento2].Session.Row(ctx, k.confirmation(rows), nil, &n); {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		err = fmt.Errorf("asking Magento 2's server whether rows of %s collide: %w", k.document, err)
		return &database.SideError{Side: magento2, Err: err}
	default:
		k.found = append(k.found, k.problem(rows, more))
	}
	return nil
}

func (k *keyed) problem(rows [][]string, more bool) Problem {
	p := Problem{Kind: Collision, Document: k.document, Target: k.target, Key: k.name, Rows: 1, More: more,
		Query: k.people()}
	if k.merges != nil {
		p.Kind = Merge
	}
	slices.SortFunc(rows, func(a, b []string) int { // by their keys, which are mostly numbers
		return cmp.Or(cmp.Compare(len(a[0]), len(b[0])), cmp.Compare(a[0], b[0]))
	})
	var ids, values []string
	for _, row := range rows {
		ids = append(ids, plainText(row[0]))
	}
	for _, field := range rows[0][1:] {
		values = append(values, plainText(field))
	}
	p.IDs = []string{strings.Join(ids, " = ")}
	if !k.private(rows) {
		p.Values = []string{strings.Join(values, ", ")}
	}
	return p
}

// private reports whether values are not to be shown: mail addresses, and whatever else is known of customers.
func (k *keyed) private(rows [][]string) bool {
	if strings.HasPrefix(k.document, "customer_") || strings.HasPrefix(k.document, "newsletter_subscriber") {
		return true
	}
	return slices.ContainsFunc(rows, func(row []string) bool {
		return slices.ContainsFunc(row[1:], func(field string) bool { return strings.Contains(plainText(field), "@") })
	})
}

func plainText(hexadecimal string) string {
	text, err := hex.DecodeString(hexadecimal)
	if err != nil {
		return hexadecimal
	}
	return string(text)
}

// merged is all groups of the key as one problem.
func (k *keyed) merged() []Problem {
	if len(k.found) == 0 {
		return nil
	}
	all := k.found[0]
	for _, p := range k.found[1:] {
		all.Rows += p.Rows
		all.More = all.More || p.More
		all.IDs = append(slices.Clip(all.IDs), p.IDs...)
		all.Values = append(slices.Clip(all.Values), p.Values...)
	}
	all.IDs = all.IDs[:min(len(all.IDs), MaxShown)]
	all.Values = all.Values[:min(len(all.Values), MaxShown)]
	return []Problem{all}
}
