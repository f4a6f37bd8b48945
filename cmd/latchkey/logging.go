package main

import (
	"io"
	"log/slog"
	"strings"

	"latchkey/keys/secret"
)

// secretNames are attributes whose values are never logged, whatever they look like.
var secretNames = []string{"password", "token", "secret", "code", "cookie", "authorization"}

// newLogger returns a logger of JSON lines without secrets: attributes with a telling name lose
// their value, and whatever has the shape of a secret is cut out of the finished line, so that no
// message, error or nested value can carry one past it.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(redacting{w}, &slog.HandlerOptions{Level: level, ReplaceAttr: redactByName}))
}

func redactByName(_ []string, a slog.Attr) slog.Attr {
	name := strings.ToLower(a.Key)
	for _, secretName := range secretNames {
		if strings.Contains(name, secretName) {
			return slog.String(a.Key, "[redacted]")
		}
	}
	return a
}

// redacting cuts secrets out of what is written through it. The JSON handler writes one whole line
// at a time, so no secret can be split over two writes.
type redacting struct{ w io.Writer }

func (r redacting) Write(line []byte) (int, error) {
	if _, err := io.WriteString(r.w, secret.Redact(string(line))); err != nil {
		return 0, err
	}
	return len(line), nil
}
