package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/http/pprof"
	"net/url"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/version"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/exposition"
	"magento_migration_exporter/collector/history"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/report"
	"magento_migration_exporter/docs"
)

// handlerOptions are the parts and settings of the HTTP handler.
type handlerOptions struct {
	catalogue     precondition.Catalogue
	expositor     *exposition.Expositor
	board         *collector.Board
	evaluator     *collector.Evaluator
	reload        *reloader
	store         *history.Store
	logger        *slog.Logger
	now           func() time.Time
	telemetryPath string
	externalURL   string
	lifecycle     bool
	pprof         bool
}

type handler struct {
	handlerOptions
	exporter *prometheus.Registry
	// negotiated is the last client's format.
	negotiated atomic.Pointer[negotiation]
	pages      *report.Pages
	// external is empty without --web.external-url. Its path has no slash at the end.
	external url.URL
}

// newHandler returns every path that the exporter serves.
func newHandler(o handlerOptions) (http.Handler, error) {
	h := &handler{handlerOptions: o}
	if err := checkTelemetryPath(o.telemetryPath); err != nil {
		return nil, err
	}
	if o.externalURL != "" {
		external, err := url.Parse(o.externalURL)
		if err != nil || external.Scheme == "" || external.Host == "" {
			return nil, fmt.Errorf("--web.external-url=%s: expected a URL like https://exporter.example.com/migration",
				o.externalURL)
		}
		external.Path = strings.TrimRight(external.Path, "/")
		h.external = *external
	}
	var err error
	if h.pages, err = report.NewPages(o.catalogue, h.external.Path, o.telemetryPath, docs.Pages()); err != nil {
		return nil, err
	}
	h.pages.ShowRefused(func() error { return o.reload.state.Load().refused })
	if h.exporter, err = exporterRegistry(o.reload, o.evaluator, o.store); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for _, r := range h.routes() {
		mux.HandleFunc(r.pattern, r.serve)
	}
	return secured(mux, o.logger), nil
}

var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// checkTelemetryPath refuses paths that the exporter uses for something else.
func checkTelemetryPath(path string) error {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	taken := []string{"probe", "sd", "api", "-", "migrations", "docs", "static", "debug", "report.html", "report.json"}
	if !plainPath.MatchString(path) || slices.Contains(taken, first) {
		return fmt.Errorf("--web.telemetry-path=%s: expected a path like /metrics that the exporter does not use "+
			"for something else", path)
	}
	return nil
}

// route is one path that the exporter serves; its pattern is http.ServeMux's.
type route struct {
	pattern string
	serve   http.HandlerFunc
}

func (h *handler) routes() []route {
	all := []route{
		{"GET " + h.telemetryPath, h.metrics},
		{"GET /probe", h.probe},
		{"GET /sd", h.discovery},
		{"GET /api/v1/readiness", h.readiness},
		{"GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "healthy") }},
		{"GET /-/ready", h.ready},
		{"/-/reload", h.reloadConfig},
		{"GET /{$}", h.overview},
		{"GET /migrations/{name}", h.migration},
		{"GET /migrations/{name}/cutover", h.cutover},
		{"GET /report.html", h.reportHTML},
		{"GET /report.json", h.reportJSON},
		{"GET /migrations/{name}/report.html", h.reportHTML},
		{"GET /migrations/{name}/report.json", h.reportJSON},
		{"GET /docs/{$}", h.docs},
		{"GET /docs/{page}", h.docs},
		{"GET /static/{file}", h.pages.Static},
	}
	if h.pprof {
		all = append(all,
			route{"GET /debug/pprof/", pprof.Index},
			route{"GET /debug/pprof/cmdline", pprof.Cmdline},
			route{"GET /debug/pprof/profile", pprof.Profile},
			route{"GET /debug/pprof/symbol", pprof.Symbol},
			route{"GET /debug/pprof/trace", pprof.Trace},
		)
	}
	return all
}

// contentSecurityPolicy allows no inline script, and nothing from other sites.
const contentSecurityPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// secured sets the headers that every answer has.
func secured(next http.Handler, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", contentSecurityPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		defer ended(r, logger)
		next.ServeHTTP(w, r)
	})
}

// ended drops the connection of a request that panicked, as net/http does. But net/http would also log the panic's
// value, which could contain a secret.
func ended(r *http.Request, logger *slog.Logger) {
	fault := recover()
	if fault == nil {
		return
	}
	if fault != http.ErrAbortHandler { //nolint:errorlint // net/http compares so
		logger.Error("answering a request panicked", "path", r.URL.Path,
			"panic", fmt.Sprintf("%T", fault), "stack", string(debug.Stack()))
	}
	panic(http.ErrAbortHandler)
}

func (h *handler) find(name string) (*collector.MigrationState, bool) {
	for _, state := range h.board.Snapshot() {
		if state.Migration.Name == name {
			return state, true
		}
	}
	return nil, false
}

// document returns the readiness of all migrations, or of the one in the request, and what changed since the time in
// it. When the second result is false, it
// has answered with an error.
func (h *handler) document(w http.ResponseWriter, r *http.Request, name string) (report.Readiness, bool) {
	states := h.board.Snapshot()
	if name != "" || r.URL.Query().Has("migration") {
		state, ok := h.find(name)
		if !ok {
			badRequest(w, fmt.Sprintf("there is no migration with the name %q", name))
			return report.Readiness{}, false
		}
		states = []*collector.MigrationState{state}
	}
	now := h.now()
	since, err := report.SinceOf(r.URL.Query(), now)
	if err != nil {
		badRequest(w, err.Error())
		return report.Readiness{}, false
	}
	doc := report.NewReadiness(version.Version, states, now)
	if !since.IsZero() {
		doc.Compare(since)
	}
	return doc, true
}

func (h *handler) readiness(w http.ResponseWriter, r *http.Request) {
	if doc, ok := h.document(w, r, r.URL.Query().Get("migration")); ok {
		h.json(w, r, doc)
	}
}

func (h *handler) json(w http.ResponseWriter, r *http.Request, doc report.Readiness) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := report.JSON(w, doc); err != nil {
		h.logger.Debug("writing an answer failed", "path", r.URL.Path, "err", err)
	}
}

func (h *handler) ready(w http.ResponseWriter, _ *http.Request) {
	if !h.board.Evaluated() {
		http.Error(w, "not every migration was evaluated yet", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

func (h *handler) reloadConfig(w http.ResponseWriter, r *http.Request) {
	switch {
	case !h.lifecycle:
		http.Error(w, "reloading over HTTP is disabled: start with --web.enable-lifecycle, or send SIGHUP",
			http.StatusForbidden)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "only POST reloads", http.StatusMethodNotAllowed)
	default:
		if err := h.reload.Reload(r.Context()); err != nil {
			http.Error(w, "the configuration was not reloaded: "+err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "reloaded")
	}
}

func (h *handler) overview(w http.ResponseWriter, r *http.Request) {
	now := h.now()
	filter, err := h.pages.ParseFilter(r.URL.Query(), now)
	if err != nil {
		badRequest(w, err.Error())
		return
	}
	doc := report.NewReadiness(version.Version, h.board.Snapshot(), now)
	if !filter.ChangedSince.IsZero() {
		doc.Compare(filter.ChangedSince)
	}
	h.page(w, r, func(b *bytes.Buffer) error { return h.pages.Overview(b, doc, filter) })
}

func (h *handler) migration(w http.ResponseWriter, r *http.Request) {
	if doc, ok := h.document(w, r, r.PathValue("name")); ok {
		h.page(w, r, func(b *bytes.Buffer) error {
			return h.pages.Migration(b, doc.Migrations[0], doc.Version, doc.GeneratedAt)
		})
	}
}

func (h *handler) cutover(w http.ResponseWriter, r *http.Request) {
	if doc, ok := h.document(w, r, r.PathValue("name")); ok {
		h.page(w, r, func(b *bytes.Buffer) error {
			return h.pages.Cutover(b, doc.Migrations[0], doc.Version, doc.GeneratedAt)
		})
	}
}

func (h *handler) reportHTML(w http.ResponseWriter, r *http.Request) {
	if doc, ok := h.document(w, r, r.PathValue("name")); ok {
		now := h.now()
		doc.CompareWithReports(func(name string) time.Time { return h.board.LastReport(name, now) })
		attach(w, r.PathValue("name"), doc, "html")
		h.page(w, r, func(b *bytes.Buffer) error { return report.HTML(b, doc) })
		for _, m := range doc.Migrations {
			if r.Method == http.MethodGet && len(m.Preconditions) > 0 && m.Preconditions[0].EvaluatedAt != nil {
				h.board.Reported(m.Name, now)
			}
		}
	}
}

func (h *handler) reportJSON(w http.ResponseWriter, r *http.Request) {
	if doc, ok := h.document(w, r, r.PathValue("name")); ok {
		attach(w, r.PathValue("name"), doc, "json")
		h.json(w, r, doc)
	}
}

// attach makes browsers save the answer, in a file with the migration and the time in its name.
func attach(w http.ResponseWriter, migration string, doc report.Readiness, extension string) {
	name := "magento-migration-readiness"
	if migration != "" {
		name += "-" + migration
	}
	name += doc.GeneratedAt.Format("-20060102T150405Z.") + extension
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

func (h *handler) docs(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("page")
	if !h.pages.HasDoc(name) {
		http.NotFound(w, r)
		return
	}
	h.page(w, r, func(b *bytes.Buffer) error { return h.pages.Doc(b, name, version.Version) })
}

// page renders the whole page before it answers: an error must not follow half a page.
func (h *handler) page(w http.ResponseWriter, r *http.Request, render func(*bytes.Buffer) error) {
	var b bytes.Buffer
	if err := render(&b); err != nil {
		h.logger.Error("rendering a page failed", "path", r.URL.Path, "err", err)
		http.Error(w, "the page could not be rendered; the log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b.Bytes())
}

func badRequest(w http.ResponseWriter, sentence string) {
	http.Error(w, sentence, http.StatusBadRequest)
}
