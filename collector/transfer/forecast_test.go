package transfer

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config/toolconfig"
	"magento_migration_exporter/config/toolmap"
)

// errPacket is the server's answer to a statement that is longer than max_allowed_packet.
const errPacket = 1153

const magento1SQL = `
CREATE TABLE eav_attribute (attribute_id int PRIMARY KEY, attribute_code varchar(50));
INSERT INTO eav_attribute VALUES (1, 'firstname'), (2, 'password_hash'), (3, 'acme_note');
CREATE TABLE customer_entity (entity_id int unsigned PRIMARY KEY, email varchar(255), created_at datetime);
CREATE TABLE customer_entity_varchar (value_id int PRIMARY KEY AUTO_INCREMENT, entity_id int unsigned, attribute_id int,
  value varchar(255), KEY (entity_id));
CREATE TABLE sales_flat_order (entity_id int unsigned PRIMARY KEY, state varchar(32), store_id smallint unsigned,
  grand_total decimal(12,4), coupon varchar(255), gift_message_id int, created_at timestamp NULL, dropped varchar(99),
  product_options text);
CREATE TABLE cms_page (page_id smallint PRIMARY KEY, title varchar(255), content mediumtext);
CREATE TABLE core_url_rewrite (url_rewrite_id int unsigned PRIMARY KEY, store_id smallint, request_path varchar(255));
CREATE TABLE acme_log (id int PRIMARY KEY, line text);
`

const magento2SQL = `
CREATE TABLE customer_entity (entity_id int unsigned PRIMARY KEY, email varchar(255), created_at timestamp NULL,
  firstname varchar(255), password_hash varchar(128), failures_num smallint DEFAULT 0);
CREATE TABLE customer_entity_varchar (value_id int PRIMARY KEY, entity_id int, attribute_id int, value varchar(255));
CREATE TABLE sales_order (entity_id int unsigned PRIMARY KEY, state varchar(32), store_id smallint unsigned,
  grand_total decimal(20,4), coupon varchar(255), gift_message_id int, created_at timestamp NULL,
  product_options longtext, email_sent int);
CREATE TABLE cms_page (page_id int PRIMARY KEY, title varchar(255), content mediumtext);
CREATE TABLE url_rewrite (url_rewrite_id int unsigned PRIMARY KEY, store_id smallint, request_path varchar(255));
`

// numbers is a table of the numbers from 1 on.
func numbers(n int) string {
	digits := "SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 " +
		"UNION SELECT 7 UNION SELECT 8 UNION SELECT 9"
	return fmt.Sprintf("(SELECT a.d + b.d*10 + c.d*100 + e.d*1000 + 1 AS n FROM (%[1]s) a, (%[1]s) b, (%[1]s) c, "+
		"(%[1]s) e WHERE a.d + b.d*10 + c.d*100 + e.d*1000 < %[2]d) numbers", digits, n)
}

func orders(n int) string {
	return `INSERT INTO sales_flat_order SELECT n, IF(n % 3, 'complete', 'new'), n % 5, n * 7.25, IF(n % 4, NULL, 'X'), NULL,
		'2020-01-01 00:00:00', 'not copied', CONCAT('a:1:{s:15:"info_buyRequest";s:', n % 40, ':"it''s \\n', CHAR(10),
		REPEAT('x', n % 40), '";}') FROM ` + numbers(
		n,
	)
}

func customers(n int) []string {
	return []string{
		"INSERT INTO customer_entity SELECT n, CONCAT('customer', n, '@example.com'), NOW() FROM " + numbers(n),
		"INSERT INTO customer_entity_varchar (entity_id, attribute_id, value) SELECT n, 1, 'Grace' FROM " + numbers(n),
		"INSERT INTO customer_entity_varchar (entity_id, attribute_id, value) SELECT n, 2, REPEAT('h', 70) FROM " +
			numbers(n),
		"INSERT INTO customer_entity_varchar (entity_id, attribute_id, value) SELECT n, 3, REPEAT('q', 200) FROM " +
			numbers(n),
	}
}

// pair is two small systems on one server.
type pair struct {
	t      *testing.T
	server *mysqltest.Server
	root   *sql.DB
	input  Input
}

func newPair(t *testing.T, server *mysqltest.Server) *pair {
	t.Helper()
	p := &pair{t: t, server: server}
	p.input = Input{
		Key: "k", Page: Page{}, Packet: 16 << 20, Budget: time.Hour, Now: time.Now,
		Sources: func() (Sources, error) { return sources(t, ""), nil },
	}
	for i, script := range []string{magento1SQL, magento2SQL} {
		name := fmt.Sprintf("side%d", i+1)
		if err := server.Load(t.Context(), name, script); err != nil {
			t.Fatal(err)
		}
		session, err := database.Open(t.Context(), database.Endpoint{
			Host: server.Host(), Port: server.Port(), Name: name, User: "root",
		}, database.Options{StatementTimeout: time.Minute, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = session.Close() })
		p.input.Sides[i] = Side{Session: session}
	}
	c, err := mysql.ParseDSN(fmt.Sprintf("root@tcp(%s:%d)/side2?maxAllowedPacket=1073741824&multiStatements=false",
		server.Host(), server.Port()))
	if err != nil {
		t.Fatal(err)
	}
	c.Logger = &mysql.NopLogger{} // a server that refuses a packet hangs up
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	p.root = sql.OpenDB(connector)
	t.Cleanup(func() { _ = p.root.Close() })
	return p
}

func sources(t *testing.T, options string) Sources {
	t.Helper()
	text := `<config><steps mode="data">
		<step title="Customer"><data>Migration\Step\Customer\Data</data></step>
		<step title="Map"><data>Migration\Step\Map\Data</data></step>
		<step title="Url"><data>Migration\Step\UrlRewrite\Version191to2000</data></step>
		<step title="Log"><data>Migration\Step\Log\Data</data></step>
		</steps><options>` + options + `</options></config>`
	config, err := toolconfig.Parse("config.xml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := Sources{Config: config, Maps: map[string]*toolmap.Map{}, Groups: map[string]*toolmap.Groups{}}
	for option, text := range map[string]string{
		"map_file": `<map><source><document_rules><ignore><document>acme_log</document></ignore>
			<ignore><document>customer_entity*</document></ignore><ignore><document>core_url_rewrite</document></ignore>
			<rename><document>sales_flat_order</document><to>sales_order</to></rename></document_rules>
			<field_rules><ignore><field>sales_flat_order.dropped</field></ignore></field_rules></source><destination/></map>`,
		"customer_map_file": `<map><source/><destination/></map>`,
	} {
		if s.Maps[option], err = toolmap.Parse(option, []byte(text), toolmap.AnyNumber); err != nil {
			t.Fatal(err)
		}
	}
	s.Groups["customer_document_groups_file"], err = toolmap.ParseGroups("groups", []byte(`<groups>
		<group name="source_documents"><document>customer_entity</document><document>customer_entity_varchar</document>
		</group><group name="source_entity_documents"><document>customer_entity</document></group></groups>`))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// exec runs statements in Magento 1's database.
func (p *pair) exec(statements ...string) {
	p.t.Helper()
	if err := p.server.Exec(p.t.Context(), append([]string{"USE side1"}, statements...)...); err != nil {
		p.t.Fatal(err)
	}
}

// look goes on until the outlook is whole.
func (p *pair) look(f *Forecaster) *Outlook {
	p.t.Helper()
	for range 1000 {
		o, err := f.Look(p.t.Context(), p.input)
		if err != nil {
			p.t.Fatal(err)
		}
		if o.Whole {
			return o
		}
	}
	p.t.Fatal("1000 looks saw only a part")
	return nil
}

// quote writes a value as PHP does, whose statements are text.
func quote(value sql.NullString) string {
	if !value.Valid {
		return "NULL"
	}
	escapes := strings.NewReplacer("\x00", `\0`, "\n", `\n`, "\r", `\r`, `\`, `\\`, "'", `\'`, `"`, `\"`, "\x1a", `\Z`)
	return "'" + escapes.Replace(value.String) + "'"
}

// insert is the statement that the tool makes of the first rows of a query on Magento 1.
func (p *pair) insert(table, columns, query string, separator string) string {
	p.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES ", table, columns)
	n := len(strings.Split(columns, ","))
	first := true
	err := p.input.Sides[0].Session.Rows(p.t.Context(), query, nil, func(scan func(...any) error) error {
		values, dest := make([]sql.NullString, n), make([]any, n)
		for i := range values {
			dest[i] = &values[i]
		}
		if err := scan(dest...); err != nil {
			return err
		}
		quoted := make([]string, n)
		for i, v := range values {
			quoted[i] = quote(v)
		}
		if !first {
			b.WriteString(separator)
		}
		first = false
		b.WriteString("(" + strings.Join(quoted, separator) + ")")
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return b.String()
}

const orderColumns = "`entity_id`,`state`,`store_id`,`grand_total`,`coupon`,`gift_message_id`,`created_at`," +
	"`product_options`"

// send sends a statement to a server that accepts so much, and returns the number of its error, 0 for none.
func (p *pair) send(packet int64, statement string) uint16 {
	p.t.Helper()
	ctx := context.WithoutCancel(p.t.Context())
	if err := p.server.Exec(ctx, fmt.Sprintf("SET GLOBAL max_allowed_packet = %d", packet)); err != nil {
		p.t.Fatal(err)
	}
	p.root.SetMaxIdleConns(0) // the setting counts for new connections
	_, err := p.root.ExecContext(ctx, statement)
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Number
	}
	if isCut(err) {
		return errPacket // the server hung up while the statement was still being written
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return 0
}

// isCut reports whether the server ended the connection while a statement was being written.
func isCut(err error) bool {
	return errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// TestPacket predicts the statements of orders and customers and then really sends them, to a server that accepts
// less and to one that accepts the packet of the remedy.
func TestPacket(t *testing.T) {
	t.Parallel()
	for _, flavor := range mysqltest.Flavors() {
		t.Run(flavor.String(), func(t *testing.T) {
			t.Parallel()
			p := newPair(t, mysqltest.New(t, mysqltest.Options{Flavor: flavor}))
			p.exec(orders(9000))
			p.exec(customers(8000)...)
			o := p.look(&Forecaster{})
			p.wantStatement(o.Data, "sales_flat_order", 9000, p.insert("sales_order", orderColumns,
				"SELECT "+orderColumns+" FROM sales_flat_order ORDER BY entity_id", ","))
			const values = "`entity_id`,`email`,`created_at`,`firstname`,`password_hash`,`failures_num`"
			p.wantStatement(o.Data, "customer_entity", 8000, p.insert("customer_entity", values,
				"SELECT entity_id, email, created_at, 'Grace', REPEAT('h', 70), 0 FROM customer_entity", ","))
			p.input.Pending = map[string]int{"sales_flat_order": 4000}
			p.wantStatement(p.look(&Forecaster{}).Delta, "sales_flat_order", 4000, p.insert("sales_order", orderColumns,
				"SELECT "+orderColumns+" FROM sales_flat_order ORDER BY entity_id DESC LIMIT 4000", ", "))
		})
	}
}

// wantStatement compares a prediction with the statement itself, which Magento 2's server gets with a packet that is
// too small, and with the one that is recommended.
func (p *pair) wantStatement(all []Statement, document string, rows int, statement string) {
	p.t.Helper()
	for _, st := range all {
		if st.Table.Document != document {
			continue
		}
		if off := float64(st.Bytes)/float64(len(statement)) - 1; st.Rows != rows || off < -0.01 || off > 0.01 {
			p.t.Errorf("%s: predicted %d bytes of %d rows, it has %d", document, st.Bytes, st.Rows, len(statement))
		}
		target := st.Table.Target
		if err := p.server.Exec(p.t.Context(), "TRUNCATE side2."+target); err != nil {
			p.t.Fatal(err)
		}
		small := (st.Bytes * 98 / 100) / 1024 * 1024
		if number := p.send(small, statement); number != errPacket {
			p.t.Errorf("%s: error %d with %d bytes for %d", document, number, small, st.Bytes)
		}
		if number := p.send(PacketFor(st.Bytes), statement); number != 0 {
			p.t.Errorf("%s: error %d with %d bytes for %d", document, number, PacketFor(st.Bytes), st.Bytes)
		}
		var n int
		if err := p.root.QueryRow("SELECT COUNT(*) FROM " + target).Scan(&n); err != nil || n != rows {
			p.t.Errorf("%s has %d rows: %v", target, n, err)
		}
		return
	}
	p.t.Errorf("%s was not predicted: %+v", document, all)
}

// TestFatRow has a page that no packet of 1 MiB holds, behind thousands of short ones, and sends it.
func TestFatRow(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.New(t, mysqltest.Options{Args: []string{"--innodb-stats-persistent=0"}}))
	p.exec("INSERT INTO cms_page SELECT n, 'short', 'x' FROM "+numbers(5000),
		"UPDATE cms_page SET content = REPEAT('<p>\"', 300000) WHERE page_id = 4321", "ANALYZE TABLE cms_page")
	p.input.Packet = 1 << 20
	p.input.Budget = time.Nanosecond // each look reads a little
	p.input.Now = stepping()
	o := p.look(&Forecaster{})
	if len(o.Fat) != 1 || o.Fat[0].ID != "4321" || o.Fat[0].Key != "page_id" || o.Fat[0].Bytes < 1200000 {
		t.Fatalf("%+v", o.Fat)
	}
	const columns = "`page_id`,`title`,`content`"
	statement := p.insert("cms_page", columns, "SELECT "+columns+" FROM cms_page WHERE page_id = 4321", ",")
	if number := p.send(1<<20, statement); number != errPacket {
		t.Errorf("error %d", number)
	}
	if number := p.send(PacketFor(o.Fat[0].Bytes), statement); number != 0 {
		t.Errorf("error %d", number)
	}
	p.exec("DELETE FROM cms_page WHERE page_id = 4321")
	if o := p.look(&Forecaster{}); len(o.Fat) > 0 {
		t.Errorf("%+v", o.Fat)
	}
}

// stepping is a clock that shows a millisecond more each time.
func stepping() func() time.Time {
	now := time.Now()
	return func() time.Time {
		now = now.Add(time.Millisecond)
		return now
	}
}

// TestLookContinues measures a table a look, and afterwards only what changed.
func TestLookContinues(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.New(t, mysqltest.Options{Args: []string{"--innodb-stats-persistent=0"}}))
	p.exec(orders(3000))
	p.exec(customers(3000)...)
	p.exec("INSERT INTO core_url_rewrite SELECT n, 1, REPEAT('p', 200) FROM " + numbers(3000))
	p.input.Packet = 1 << 20
	f := &Forecaster{}
	now := time.Now()
	p.input.Now = func() time.Time { now = now.Add(time.Millisecond); return now }
	p.input.Budget = 2 * time.Millisecond
	first, err := f.Look(t.Context(), p.input)
	if err != nil || first.Whole || first.Left == 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	whole := p.look(f)
	if len(whole.Data) < 3 {
		t.Errorf("%+v", whole.Data)
	}
	before := statements(t, p)
	p.look(f)
	if n := statements(t, p) - before; n > 1 {
		t.Errorf("a look at what has not changed costs %d statements", n-1)
	}
	now = now.Add(replan)
	p.exec(strings.Replace(orders(3000), "SELECT n,", "SELECT n + 10000,", 1))
	if o := p.look(f); o.Data[0].Table.Document != "sales_flat_order" || o.Data[0].Rows != 6000 {
		t.Errorf("%+v", o.Data[0])
	}
	p.input.Page = Page{BulkSize: 100}
	if o := p.look(f); o.Data[0].Rows != 100 {
		t.Errorf("%+v", o.Data[0])
	}
	p.input.Key = "direct"
	p.input.Sources = func() (Sources, error) {
		return sources(t, "<direct_document_copy>1</direct_document_copy>"), nil
	}
	for _, st := range p.look(f).Data {
		if st.Table.Document == "cms_page" {
			t.Errorf("a table that is copied within the server has a statement: %+v", st)
		}
	}
	total := whole.Plan.Total()
	if total.Rows < 9000 || len(total.Largest) == 0 || strings.Join(whole.Plan.Unplanned, ",") != "log_map_file" {
		t.Errorf("%+v, %q", total, whole.Plan.Unplanned)
	}
}

// statements returns how many statements the session to Magento 1 has sent, this one among them.
func statements(t *testing.T, p *pair) (n int) {
	t.Helper()
	var name string
	err := p.input.Sides[0].Session.Row(t.Context(), "SHOW SESSION STATUS LIKE 'Questions'", nil, &name, &n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestErrorOfMagento2sServerIsItsOwn(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.New(t, mysqltest.Options{}))
	planned := &Forecaster{}
	if _, err := planned.Look(t.Context(), p.input); err != nil {
		t.Fatal(err)
	}
	m := planned.kept.open()
	m.samples = nil // the tables are measured again, by the same plan
	planned.kept = m.pack(planned.made)
	if err := p.input.Sides[1].Session.Close(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*Forecaster{{}, planned} {
		_, err := f.Look(t.Context(), p.input)
		if side, ok := errors.AsType[*database.SideError](err); !ok || side.Side != 1 {
			t.Errorf("%v, want an error of Magento 2", err)
		}
	}
}

func TestRemedies(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int64]int64{0: 16 << 20, 10 << 20: 16 << 20, 17 << 20: 32 << 20, 900 << 20: 1 << 30,
		5 << 30: 1 << 30} {
		if got := PacketFor(bytes); got != want {
			t.Errorf("%d: %d", bytes, got)
		}
	}
	orders := Statement{Table: Table{Target: "sales_order", Columns: [2]int{138, 150}}, Width: 1170}
	if n := BulkFor(16<<20, []Statement{orders, {Width: 10}}); n != 9500 {
		t.Error(n)
	}
	if n := BulkFor(1<<20, []Statement{{Width: 2 << 20}}); n != 0 {
		t.Error(n)
	}
	if !Suffices(5, 4) || Suffices(16, 15) {
		t.Error("the margin is a quarter")
	}
}
