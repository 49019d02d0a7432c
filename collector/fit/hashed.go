package fit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// portion is the most rows whose hashes a search expects to keep: the server only estimates how many there are.
	portion = shelfSize * 3 / 4
	// batch is how many hashes that several rows have are looked up at once, mostSuspects how many in all.
	batch, mostSuspects = 500, 5000
)

// errWaits is the error of a search that has to wait until another one gives its shelf back.
var errWaits = errors.New("other searches are at work")

// errStartsAgain is the error of a search that found more rows than the server estimates.
var errStartsAgain = errors.New("the table has more rows than expected")

// errAlike is why a search gives up.
var errAlike = fmt.Errorf("more than %d values are alike under the collations of Magento 1's server, and the first of "+
	"them differ in Magento 2: the others were not looked at", mostSuspects)

// hashed finds rows that are alike in a large table without an index that helps: no statement could group all of its
// rows in a short time. It reads a hash of each row, page by page, and keeps as many as a shelf has place for; where a
// table has more rows, it goes through the table several times, each time for other hashes. Then it reads the rows
// whose hash is not their own.
type hashed struct {
	pages *pages
	// passes is how many times the table is gone through, pass the present one.
	passes, pass int
	// began is true while a shelf has the hashes of this pass.
	began bool
	// suspects are the hashes that several rows have, left those that were not looked up yet.
	suspects, left []uint64
	// rows are those of the present batch by their hash, nil before.
	rows map[uint64][][]string
}

func newHashed(t *table) *hashed { return &hashed{pages: newPages(t), passes: int(t.rows/portion) + 1} }

// stepHashed reads one page. It is true when that was the last one.
func (k *keyed) stepHashed(ctx context.Context, p *Plan) (bool, []Problem, error) {
	h := k.hashed
	read := k.readHashes
	if h.rows != nil {
		read = k.readAlike
	}
	started := time.Now()
	err := h.pages.bound(ctx, p.sides[magento1].Session)
	if err == nil {
		err = read(ctx, p)
	}
	switch {
	case errors.Is(err, errStartsAgain), err != nil && h.pages.again(err):
		return false, nil, nil
	case err != nil:
		return false, nil, err
	case h.pages.next(time.Since(started)):
		return false, nil, nil
	}
	h.pages = newPages(k.from)
	if h.rows == nil {
		return k.endPass(p), nil, nil
	}
	done, err := k.endBatch(ctx, p)
	return done, k.merged(), err
}

// readHashes keeps the hashes of a page.
func (k *keyed) readHashes(ctx context.Context, p *Plan) error {
	h := k.hashed
	shelf := p.shelves.take(k, p.now)
	if shelf == nil {
		return errWaits
	}
	if h.began && shelf.hashes == nil { // it was given away
		h.pages, h.began = newPages(k.from), false
		if err := h.pages.bound(ctx, p.sides[magento1].Session); err != nil {
			return err
		}
	}
	conditions := append(k.conditions(), h.pages.conditions()...)
	if h.passes > 1 {
		conditions = append(conditions, fmt.Sprintf("MOD(CRC32(%s), %d) = %d", k.fingerprint(), h.passes, h.pass))
	}
	var hashes []uint64
	query := fmt.Sprintf("SELECT %s FROM %s%s", k.hash(), h.pages.from(), where(conditions))
	err := p.sides[magento1].Session.Rows(ctx, query, nil, func(scan func(...any) error) error {
		var hash uint64
		err := scan(&hash)
		hashes = append(hashes, hash)
		return err
	})
	if err != nil {
		return fmt.Errorf("looking for rows of %s that collide: %w", k.from.name, err)
	}
	if len(shelf.hashes)+len(hashes) > p.shelves.most() {
		p.shelves.leave(k)
		*h = hashed{pages: newPages(k.from), passes: 2 * h.passes}
		return errStartsAgain
	}
	if shelf.hashes == nil {
		shelf.hashes = make([]uint64, 0, min(k.from.rows*5/4/int64(h.passes), shelfSize)+1)
	}
	shelf.hashes, h.began = append(shelf.hashes, hashes...), true
	return nil
}

// endPass finds the hashes that several rows have. It is true when there are none.
func (k *keyed) endPass(p *Plan) bool {
	h := k.hashed
	if shelf := p.shelves.take(k, p.now); shelf != nil {
		h.suspects = append(h.suspects, repeated(shelf.hashes)...)
		shelf.hashes = shelf.hashes[:0]
	}
	h.pass++
	if h.pass < h.passes && len(h.suspects) <= mostSuspects {
		return false
	}
	p.shelves.leave(k)
	h.left = h.suspects[:min(len(h.suspects), mostSuspects)]
	h.rows = map[uint64][][]string{}
	return len(h.suspects) == 0
}

// repeated sorts numbers and returns those that occur more than once.
func repeated(numbers []uint64) []uint64 {
	slices.Sort(numbers)
	var found []uint64
	for i := 1; i < len(numbers); i++ {
		if n := len(found); numbers[i] == numbers[i-1] && (n == 0 || found[n-1] != numbers[i]) {
			found = append(found, numbers[i])
		}
	}
	return found
}

// readAlike reads the rows of a page that have a hash of the batch.
func (k *keyed) readAlike(ctx context.Context, p *Plan) error {
	h := k.hashed
	var wanted []string
	for _, hash := range h.left[:min(len(h.left), batch)] {
		if len(h.rows[hash]) < MaxShown {
			wanted = append(wanted, strconv.FormatUint(hash, 10))
		}
	}
	if len(wanted) == 0 {
		h.pages.to = nil
		return nil
	}
	hash := k.hash()
	conditions := append(
		append(k.conditions(), h.pages.conditions()...),
		"("+hash+") IN ("+strings.Join(wanted, ", ")+")",
	)
	query := fmt.Sprintf("SELECT %s, %s FROM %s%s", hash, k.member(), h.pages.from(), where(conditions))
	found := map[uint64][][]string{}
	err := p.sides[magento1].Session.Rows(ctx, query, nil, func(scan func(...any) error) error {
		var hash uint64
		var text string
		err := scan(&hash, &text)
		if fields := strings.Split(text, ":"); len(fields) == 1+len(k.parts) && len(found[hash]) < MaxShown {
			found[hash] = append(found[hash], fields)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("reading the rows of %s that collide: %w", k.from.name, err)
	}
	for hash, rows := range found {
		rows = slices.Concat(h.rows[hash], rows)
		h.rows[hash] = rows[:min(len(rows), MaxShown)]
	}
	return nil
}

// endBatch lets Magento 2's server confirm what is alike. It is true when there is nothing more to look up.
func (k *keyed) endBatch(ctx context.Context, p *Plan) (bool, error) {
	h := k.hashed
	n := min(len(h.left), batch)
	for i, hash := range h.left[:n] {
		more := i+1 < len(h.left) || len(h.suspects) > mostSuspects
		if err := k.confirm(ctx, p, h.rows[hash], more && len(k.found)+1 >= MaxShown); err != nil {
			return false, err
		}
		if len(k.found) >= MaxShown {
			return true, nil
		}
	}
	h.left, h.rows = h.left[n:], map[uint64][][]string{}
	if len(h.left) > 0 {
		return false, nil
	}
	if len(h.suspects) <= mostSuspects {
		return true, nil
	}
	if len(k.found) == 0 {
		return false, errAlike
	}
	k.found[0].More = true
	return true, nil
}

// hash is a number that is the same for rows that collide, and hardly ever for others: those Magento 2's server tells
// apart. MySQL 9.6 and newer have neither MD5 nor SHA1.
func (k *keyed) hash() string {
	text := k.fingerprint()
	return "(CRC32(" + text + ") << 32) | CRC32(REVERSE(" + text + "))"
}

// fingerprint is a text that is the same for rows that collide.
func (k *keyed) fingerprint() string {
	var parts []string
	for _, x := range k.parts {
		parts = append(parts, x.fingerprint())
	}
	return "CONCAT_WS('|', " + strings.Join(parts, ", ") + ")"
}

// fingerprint is a text that is the same for values that are equal in the key.
func (x keyPart) fingerprint() string {
	switch x.to.family() {
	case text:
		set, collation := x.set, x.collation
		if x.plain {
			set, collation = x.from.charset, x.from.collation
		}
		blank := fmt.Sprintf("WEIGHT_STRING(CONVERT(' ' USING %s) COLLATE %s)", set, collation)
		// What has the weight of a blank does not count at the end, too.
		return fmt.Sprintf("HEX(TRIM(TRAILING %s FROM WEIGHT_STRING(%s)))", blank, x.grouped)
	case binary:
		return "HEX(" + x.grouped + ")"
	case integer, decimal:
		return "(" + x.grouped + ") + 0" // -0.00 is 0.00
	}
	return "CAST(" + x.grouped + " AS CHAR)"
}
