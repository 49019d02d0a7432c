// Package transfer predicts how the Data Migration Tool moves rows from Magento 1 to Magento 2: how many rows one of
// its statements has, how long that statement is, how many rows there are in all, and how long they take. It gathers
// and computes; the preconditions judge.
package transfer

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The numbers of the tool's pages, the same in all its releases from 2.0.0 to 2.4.6.1
// (src/Migration/ResourceModel/AbstractResource.php).
const (
	// MaxPage is the most rows of a page.
	MaxPage = 50000
	// memoryPerColumn is the memory that the tool expects a value to take, in bytes.
	memoryPerColumn = 3000
	// negativePage is the page of a bulk_size below 0.
	negativePage = 100
)

// MemoryLimit is PHP's memory_limit in bytes; 0 or less is no limit.
type MemoryLimit int64

// memorySize is a size in php.ini's notation.
var memorySize = regexp.MustCompile(`^(-?\d{1,15})([kKmMgG]?)$`)

// ParseMemoryLimit reads a memory_limit in php.ini's notation, such as 2G, 756M or -1.
func ParseMemoryLimit(text string) (MemoryLimit, error) {
	m := memorySize.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return 0, fmt.Errorf("%q is no memory_limit of PHP: write it as in php.ini, like 2G, 756M or -1", text)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no memory_limit of PHP: %w", text, err)
	}
	factor := map[string]int64{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[strings.ToUpper(m[2])]
	if n > (1<<62)/factor {
		return 0, fmt.Errorf("%q is more memory than there is", text)
	}
	return MemoryLimit(n * factor), nil
}

// Page is what the tool computes the size of its pages from.
type Page struct {
	// BulkSize is bulk_size of config.xml; 0 lets the tool compute it.
	BulkSize int
	Memory   MemoryLimit
}

// Rows returns how many rows of a table with so many columns are one page.
func (p Page) Rows(columns int) int {
	switch {
	case p.BulkSize > 0:
		return min(p.BulkSize, MaxPage)
	case p.BulkSize < 0:
		return negativePage
	case p.Memory <= 0 || columns <= 0:
		return MaxPage
	}
	share := int64(memoryPerColumn) * int64(columns)
	return int(min((int64(p.Memory)+share-1)/share, MaxPage))
}
