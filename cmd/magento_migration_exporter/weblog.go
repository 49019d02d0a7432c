package main

import (
	"context"
	"log/slog"
	"regexp"
)

// excerpt matches the parts of the web configuration in messages of the exporter toolkit's YAML decoder. The file can
// contain a key and password hashes.
var excerpt = regexp.MustCompile("(?m)(cannot (?:unmarshal|decode) \\S+ )`.*`|(unknown anchor )'.*'|" +
	"(field )\\S+( not found in type)|(but got: )\".*\"")

func withoutExcerpts(text string) string { return excerpt.ReplaceAllString(text, "$1$2$3$5…$4") }

// webError is an error of the exporter toolkit without parts of the web configuration.
type webError struct{ err error }

func (e webError) Error() string { return withoutExcerpts(e.err.Error()) }
func (e webError) Unwrap() error { return e.err }

// webLog does the same for the log lines of the toolkit and net/http: the toolkit reads the web configuration again at
// each connection.
type webLog struct{ slog.Handler }

// Handle implements slog.Handler.
func (h webLog) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, withoutExcerpts(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Value.Kind() == slog.KindString {
			a.Value = slog.StringValue(withoutExcerpts(a.Value.String()))
		}
		clean.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (h webLog) WithAttrs(attrs []slog.Attr) slog.Handler { return webLog{h.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (h webLog) WithGroup(name string) slog.Handler { return webLog{h.Handler.WithGroup(name)} }
