package evidence

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/integrity"
	"magento_migration_exporter/collector/transfer"
)

// Transfer is how the tool moves the rows, as far as all evaluations up to this one have found out.
type Transfer struct {
	transfer.Outlook
	// Packet is what Magento 2's server accepts, in bytes.
	Packet int64
	// Page is what the tool's pages are computed from.
	Page transfer.Page
	// Least are the statements of migrate:data with the least memory_limit that PHP has anywhere.
	Least []transfer.Statement
}

// transferBudget is how long one evaluation measures rows.
const transferBudget = 300 * time.Millisecond

// leastMemory is PHP's own default of memory_limit.
const leastMemory transfer.MemoryLimit = 128 << 20

// phpNumber is how a text begins that PHP casts to another number than 0, behind its white space.
var phpNumber = regexp.MustCompile(`^[ \t\n\r\v\f]*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)`)

// BulkSize returns bulk_size of config.xml as the tool reads it, by PHP's (int): 1e3 is 1000, what follows a number
// does not count, and a text that begins with none is 0. A number out of the range is the nearest one, but 0 where a
// double cannot hold it. All of it was tried with PHP 8.2.
func (e *Evidence) BulkSize() int {
	m := phpNumber.FindStringSubmatch(e.Tool.Config.Value("bulk_size"))
	if m == nil {
		return 0
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil { // it is infinite
		return 0
	}
	return int(min(max(n, math.MinInt32), math.MaxInt32))
}

// Transfer measures what this evaluation has time for; it needs both databases and config.xml. It is false when
// something that it needs cannot be read; the verdict then says what.
func (e *Evidence) Transfer(ctx context.Context, v *finding.Verdict, memory transfer.MemoryLimit) (*Transfer, bool) {
	const subject = "statements"
	t := &Transfer{Page: transfer.Page{BulkSize: e.BulkSize(), Memory: memory}}
	const query = "SELECT @@global.max_allowed_packet"
	if err := e.Magento2.Session.Row(ctx, query, nil, &t.Packet); err != nil {
		e.Magento2.Broken(v, subject, fmt.Errorf("reading max_allowed_packet: %w", err))
		return nil, false
	}
	forecaster, err := recallOf[transfer.Forecaster](ctx, e, "transfer")
	if err != nil {
		e.SystemOf(err).Broken(v, subject, err)
		return nil, false
	}
	o, err := forecaster.Look(ctx, transfer.Input{
		Sides: [2]transfer.Side{
			{Session: e.Magento1.Session, Prefix: e.Magento1.Prefix},
			{Session: e.Magento2.Session, Prefix: e.Magento2.Prefix},
		},
		Key:     integrity.Key(e.Tool.Config, integrity.Options{MagentoRoot: e.Migration.Magento2.Root}),
		Sources: func() (transfer.Sources, error) { return e.transferSources(ctx) },
		Page:    t.Page, Packet: t.Packet, Pending: e.pendingRows(ctx), Budget: e.budget(transferBudget), Now: time.Now,
	})
	if files, ok := errors.AsType[*toolFilesError](err); ok {
		v.Unknown(
			subject,
			"it is unknown what the tool copies: its files cannot be read",
			files.Error(),
			files.remedy(),
		)
		return nil, false
	}
	if err != nil {
		e.SystemOf(err).Broken(v, subject, err)
		return nil, false
	}
	t.Outlook = *o
	t.Least = o.With(transfer.Page{BulkSize: t.Page.BulkSize, Memory: leastMemory})
	return t, true
}

// pendingRows are the rows that the next cycles of the delta deliver, by document; nil when there is no delta log.
func (e *Evidence) pendingRows(ctx context.Context) map[string]int {
	var unread finding.Verdict // delta_log reports what could not be read
	d, ok := e.Delta(ctx, &unread)
	if !ok || !d.Log.Exists() || d.Counts == nil {
		return nil
	}
	pending := map[string]int{}
	for _, s := range d.Standings {
		if n := d.Counts[s.Document].Pending(); s.Read && n > 0 {
			pending[s.Document] = n
		}
	}
	return pending
}

// transferSources reads the map files and groups that say what the tool copies.
func (e *Evidence) transferSources(ctx context.Context) (transfer.Sources, error) {
	maps, groups := transfer.Options()
	read, err := e.readToolFiles(ctx, "files of the transfer", maps, groups)
	return transfer.Sources{Config: e.Tool.Config, Maps: read.maps, Groups: read.groups}, err
}
