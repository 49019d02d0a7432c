package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/exposition"
)

// metrics serves all metrics, or only the exporter's own.
func (h *handler) metrics(w http.ResponseWriter, r *http.Request) {
	states := h.board.Snapshot()
	switch scope := r.URL.Query().Get("scope"); scope {
	case "":
	case "exporter":
		states = nil
	default:
		badRequest(w, fmt.Sprintf("scope=%q: the only scope is exporter", scope))
		return
	}
	own, err := h.exporter.Gather()
	if err != nil {
		h.logger.Error("gathering the exporter's own metrics failed", "err", err)
		http.Error(w, "the exporter's own metrics could not be gathered; the log says why",
			http.StatusInternalServerError)
		return
	}
	h.expose(w, r, own, states)
}

// probe serves the last results of one migration.
func (h *handler) probe(w http.ResponseWriter, r *http.Request) {
	target := r.URL.Query().Get("target")
	state, ok := h.find(target)
	if !ok {
		badRequest(w, fmt.Sprintf("target=%q: there is no migration with this name", target))
		return
	}
	h.expose(w, r, nil, []*collector.MigrationState{state})
}

// expose writes metrics in the format and encoding that the client asks for.
func (h *handler) expose(
	w http.ResponseWriter, r *http.Request, families []*dto.MetricFamily, states []*collector.MigrationState,
) {
	format := h.negotiate(r.Header)
	answer, err := h.expositor.New(format, families, states)
	if err != nil {
		h.logger.Error("rendering the metrics failed", "err", err)
		http.Error(w, "the metrics could not be rendered; the log says why", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", string(format))
	header.Add("Vary", "Accept, Accept-Encoding")
	if acceptsGzip(r.Header) {
		header.Set("Content-Encoding", "gzip")
		header.Set("Content-Length", strconv.Itoa(answer.GzipSize()))
		err = answer.WriteGzip(w)
	} else {
		header.Set("Content-Length", strconv.Itoa(answer.Size()))
		_, err = answer.WriteTo(w)
	}
	if err != nil {
		h.logger.Debug("writing an answer failed", "path", r.URL.Path, "err", err)
	}
}

// negotiation is the format for an Accept header. A Prometheus always sends the same one.
type negotiation struct {
	accept string
	format expfmt.Format
}

// negotiate returns the format that the client prefers. It caches the last answer, because to find one takes as long as
// to write a migration's metrics.
func (h *handler) negotiate(header http.Header) expfmt.Format {
	accept := header.Get("Accept")
	last := h.negotiated.Load()
	if last == nil || last.accept != accept {
		last = &negotiation{accept, expfmt.NegotiateAccept(header, exposition.Formats()...)}
		h.negotiated.Store(last)
	}
	return last.format
}

// acceptsGzip follows RFC 9110: gzip by its name or by *, with a weight above 0.
func acceptsGzip(header http.Header) bool {
	accepted := false
	for entry := range strings.SplitSeq(strings.Join(header.Values("Accept-Encoding"), ","), ",") {
		coding, parameters, _ := strings.Cut(entry, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding != "gzip" && coding != "x-gzip" && coding != "*" {
			continue
		}
		weight := 1.0
		if _, text, has := strings.Cut(strings.ToLower(parameters), "q="); has {
			weight, _ = strconv.ParseFloat(strings.TrimSpace(text), 64) // an invalid weight counts as 0
		}
		if accepted = weight > 0; coding != "*" {
			return accepted
		}
	}
	return accepted
}

// targetGroup is an element of Prometheus's HTTP service discovery.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// discovery lists a target for each migration and one for the exporter itself, with the address that the client uses.
func (h *handler) discovery(w http.ResponseWriter, r *http.Request) {
	address, scheme := cmp.Or(h.external.Host, r.Host), h.external.Scheme
	if address == "" {
		badRequest(w, "the request has no Host header and --web.external-url is not set: "+
			"the targets would have no address")
		return
	}
	if r.TLS != nil && scheme == "" {
		scheme = "https"
	}
	group := func(path string, labels map[string]string) targetGroup {
		labels["__metrics_path__"] = h.external.Path + path
		if scheme != "" {
			labels["__scheme__"] = scheme
		}
		return targetGroup{[]string{address}, labels}
	}
	var groups []targetGroup
	for _, state := range h.board.Snapshot() {
		name := state.Migration.Name
		groups = append(groups, group("/probe", map[string]string{"__param_target": name, "target": name}))
	}
	groups = append(groups, group(h.telemetryPath, map[string]string{"__param_scope": "exporter"}))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := json.NewEncoder(w).Encode(groups); err != nil {
		h.logger.Debug("writing an answer failed", "path", r.URL.Path, "err", err)
	}
}
