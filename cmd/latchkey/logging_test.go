package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"latchkey/keys/secret"
)

func TestNothingOfTheShapeOfASecretIsLogged(t *testing.T) {
	token := secret.New(secret.KindToken)
	text := token.Reveal()
	var out bytes.Buffer
	log := newLogger(&out, slog.LevelDebug)

	log.Debug("message " + text)
	log.Info("string", "path", "/x?token="+text)
	log.Warn("error", "error", errors.New("cannot parse "+text))
	log.Error("value", "value", token)
	log.Info("nested", slog.Group("a", "b", []string{text}), "map", map[string]string{text: text})
	log.With("held", text).WithGroup("group").Info("bound", text, 1)

	if strings.Count(out.String(), "\n") != 6 {
		t.Fatalf("%d lines were logged; want 6: %s", strings.Count(out.String(), "\n"), out.String())
	}
	if strings.Contains(out.String(), text) || strings.Contains(out.String(), text[4:30]) {
		t.Errorf("the log holds a secret: %s", out.String())
	}
}

func TestAttributesNamedLikeSecretsAreNotLogged(t *testing.T) {
	var out bytes.Buffer
	log := newLogger(&out, slog.LevelInfo)
	log.Info("request", "password", "hunter2 hunter2", "Set-Cookie", "hunter2", slog.Group("headers", "Authorization", "Basic hunter2"), "new_password", []byte("hunter2"))
	if strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), "aHVudGVyMg") {
		t.Errorf("the log holds a secret: %s", out.String())
	}
}
