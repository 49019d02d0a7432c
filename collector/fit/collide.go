package fit

import (
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

// step looks at one range or bucket. It is true when that was the last one.
func (k *keyed) step(ctx context.Context, p *Plan) (bool, []Problem, error) {
	session := p.sides[magento1].Session
	started := time.Now()
	if k.ordered != nil {
		if err := k.advance(ctx, session); err != nil {
			return false, nil, err
		}
	}
	var one int
	err := session.Row(ctx, k.query(false), nil, &one)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return false, nil, fmt.Errorf("looking for rows of %s that collide: %w", k.from.name, err)
	default:
		if err := k.members(ctx, p); err != nil {
			return false, nil, err
		}
	}
	k.next++
	if k.ordered == nil {
		return k.next >= k.buckets, k.merged(), nil
	}
	switch took := time.Since(started); {
	case took < shortest:
		k.width *= 2
	case took > longest:
		k.width = max(k.width/2, 1)
	}
	k.after = k.to
	return k.to == "", k.merged(), nil
}

// advance finds the end of the next range, none for the last one.
func (k *keyed) advance(ctx context.Context, session *database.Session) error {
	var value string
	switch err := session.Row(ctx, k.limit(), nil, &value); {
	case errors.Is(err, sql.ErrNoRows):
		k.to = ""
	case err != nil:
		return fmt.Errorf("looking for the next rows of %s: %w", k.from.name, err)
	default:
		k.to = k.ordered.literal(value)
	}
	return nil
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
		if len(rows) < 2 {
			continue
		}
		var n int
		switch err := p.sides[magento2].Session.Row(ctx, k.confirmation(rows), nil, &n); {
		case errors.Is(err, sql.ErrNoRows): // the collation of Magento 2 tells them apart
		case err != nil:
			err = fmt.Errorf("asking Magento 2's server whether rows of %s collide: %w", k.document, err)
			return &database.SideError{Side: magento2, Err: err}
		default:
			k.found = append(k.found, k.problem(rows, len(groups) > MaxShown))
		}
	}
	return nil
}

func (k *keyed) problem(rows [][]string, more bool) Problem {
	p := Problem{Kind: Collision, Document: k.document, Target: k.target, Key: k.name, Rows: 1, More: more,
		Query: k.people()}
	if k.merges != nil {
		p.Kind = Merge
	}
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
