package fit

import (
	"slices"
	"testing"
	"time"

	"magento_migration_exporter/collector/mysqltest"
)

func TestShelves(t *testing.T) {
	t.Parallel()
	var s Shelves
	now := time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC)
	owners := make([]*keyed, shelfCount+1)
	for i := range owners {
		owners[i] = &keyed{name: string(rune('a' + i))}
	}
	for _, owner := range owners[:shelfCount] {
		s.take(owner, now).hashes = []uint64{1}
	}
	late := owners[shelfCount]
	if s.take(late, now) != nil {
		t.Error("there are more shelves than there should be")
	}
	for _, i := range []int{0, 2, 3} {
		if x := s.take(owners[i], now.Add(abandoned-1)); x == nil || len(x.hashes) != 1 {
			t.Errorf("%+v: an owner finds what it kept", x)
		}
	}
	if x := s.take(late, now.Add(abandoned)); x == nil || len(x.hashes) != 0 {
		t.Errorf("%+v: what nobody used for long is free", x)
	}
	if s.take(owners[1], now.Add(abandoned)) != nil {
		t.Error("who was away for too long has lost its shelf")
	}
	s.leave(owners[0])
	if s.take(owners[1], now.Add(abandoned)) == nil {
		t.Error("what is given back is free")
	}
}

// alike makes a table with a key that Magento 1 has not, and two rows that collide in it.
func (l *lab) alike(name string) {
	l.t.Helper()
	const columns = " (id int NOT NULL PRIMARY KEY, a varchar(9)"
	l.shop(0, "CREATE TABLE "+name+columns+"); INSERT INTO "+name+" VALUES (1, 'x'), (2, 'y'), (3, 'z'), (4, 'X')")
	l.shop(1, "CREATE TABLE "+name+columns+", UNIQUE KEY k (a))")
}

// byHashes makes a looker that looks at all tables by hashes of their rows.
func (l *lab) byHashes(in Input) *Looker {
	l.t.Helper()
	looker := &Looker{}
	if err := looker.begin(l.t.Context(), in); err != nil {
		l.t.Fatal(err)
	}
	for _, task := range looker.plan.tasks {
		if k, ok := task.work.(*keyed); ok {
			k.ordered, k.hashed = nil, newHashed(k.from)
		}
	}
	return looker
}

func TestSearchWaitsForAShelf(t *testing.T) {
	t.Parallel()
	l := newLab(t, mysqltest.MariaDB)
	l.alike("goods")
	l.shop(0, "CREATE TABLE others (id int NOT NULL PRIMARY KEY, a varchar(9)); INSERT INTO others VALUES (1, 'abcd')")
	l.shop(1, "CREATE TABLE others (id int NOT NULL PRIMARY KEY, a varchar(3))")
	in := l.input()
	defer l.close(in)
	var taken []*keyed
	for range shelfCount {
		taken = append(taken, &keyed{})
	}
	for _, owner := range taken {
		in.Shelves.take(owner, in.Now)
	}
	looker := l.byHashes(in)
	for range 2 {
		if r := round(t, looker, in); r.Whole || r.Done != 1 || kinds(r.Problems) != "cut others.a" {
			t.Fatalf("%+v: what needs no shelf is looked at, the rest waits", r)
		}
	}
	in.Shelves.leave(taken[0])
	if r := whole(t, looker, in); kinds(r.Problems) != "collision goods k, cut others.a" {
		t.Errorf("%+v", r)
	}
	if in.Shelves.take(taken[0], in.Now) == nil {
		t.Error("the search did not give its shelf back")
	}
}

func TestSearchLosesItsShelf(t *testing.T) {
	t.Parallel()
	l := newLab(t, mysqltest.MariaDB)
	l.alike("goods")
	in := l.input()
	defer l.close(in)
	looker := l.byHashes(in)
	k := looker.plan.tasks[0].work.(*keyed)
	looker.plan.sides, looker.plan.now, looker.plan.shelves = in.Sides, in.Now, in.Shelves
	for range 3 {
		k.hashed.pages.rows = 1
		if done, _, err := k.step(t.Context(), looker.plan); done || err != nil {
			t.Fatal(done, err)
		}
	}
	in.Shelves.leave(k)
	if r := whole(t, looker, in); kinds(r.Problems) != "collision goods k" || !slices.Equal(r.Problems[0].IDs,
		[]string{"1 = 4"}) {
		t.Errorf("%+v: the first rows are read again", r.Problems)
	}
}

func TestTableHasMoreRowsThanTheServerEstimates(t *testing.T) {
	t.Parallel()
	l := newLab(t, mysqltest.MariaDB)
	l.alike("goods")
	in := l.input()
	defer l.close(in)
	in.Shelves.size = 2
	looker := l.byHashes(in)
	k := looker.plan.tasks[0].work.(*keyed)
	if r := whole(t, looker, in); kinds(r.Problems) != "collision goods k" {
		t.Errorf("%+v", r)
	}
	if k.hashed.passes < 2 {
		t.Error("all hashes were kept at once")
	}
}
