package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"
)

//go:embed files/inbox.html
var inboxPage string

// kept is how many notifications the inbox shows.
const kept = 200

// inbox stands for the pager and the chat of the people on call: it receives Alertmanager's notifications, prints each
// of them, and shows them on a page.
type inbox struct {
	print func(format string, args ...any)
	now   func() time.Time
	page  *template.Template

	mu    sync.Mutex
	total int
	list  []notification
}

// notification is one message of Alertmanager, as its webhooks send it.
type notification struct {
	// Number counts from 1. Receiver is the last part of the receiver's URL.
	Number   int
	At       time.Time
	Receiver string
	Status   string
	Alerts   []struct {
		Status      string
		Labels      map[string]string
		Annotations map[string]string
	}
}

func newInbox(print func(format string, args ...any), now func() time.Time) (*inbox, error) {
	page, err := template.New("inbox").Funcs(template.FuncMap{"upper": strings.ToUpper}).Parse(inboxPage)
	if err != nil {
		return nil, err
	}
	return &inbox{print: print, now: now, page: page}, nil
}

// ServeHTTP implements http.Handler: a POST is a notification, everything else is for a browser.
func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		var n notification
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		in.receive(n, strings.Trim(r.URL.Path, "/"))
		return
	}
	in.mu.Lock()
	list := append([]notification{}, in.list...)
	in.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = in.page.Execute(w, list)
}

// receive keeps and prints a notification.
func (in *inbox) receive(n notification, receiver string) {
	in.mu.Lock()
	in.total++
	n.Number, n.At, n.Receiver = in.total, in.now().UTC(), receiver
	in.list = append([]notification{n}, in.list[:min(len(in.list), kept-1)]...)
	in.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "\nNotification %d to the %s: %s", n.Number, n.Receiver, n.Status)
	for _, a := range n.Alerts {
		fmt.Fprintf(&b, "\n  %-8s %-8s %s: %s", a.Status, a.Labels["severity"], a.Labels["alertname"],
			a.Annotations["description"])
	}
	in.print("%s", b.String())
}
