package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/store"
)

func TestASetupCodeIsRenewedWhenItRunsOut(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	inst, err := openInstance(t.Context(), place{folder: filepath.Join(t.TempDir(), "data")}, access{create: true, exclusive: true, options: store.Options{Now: clock}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inst.Close() }()
	var out bytes.Buffer
	code := &setupCode{
		folder: inst.folder, public: &url.URL{Scheme: "http", Host: "127.0.0.1:8080"},
		store: inst.store, now: clock, log: slog.New(slog.DiscardHandler), out: &out,
	}
	file := func() string { return strings.TrimSpace(contents(t, inst.folder)[setupCodeFile]) }
	look := func(wantDone bool) {
		t.Helper()
		done, err := code.look(context.Background())
		if err != nil || done != wantDone {
			t.Fatalf("look returned %v, %v; want %v", done, err, wantDone)
		}
	}

	invitation, err := code.start(t.Context())
	first := file()
	if err != nil || first == "" || !strings.Contains(invitation, first) || !strings.Contains(invitation, "13:00 UTC") {
		t.Fatalf("the invitation is %q, %v; want it to show %s and until when it is good", invitation, err, first)
	}
	now = now.Add(keys.SetupCodeLife - time.Second)
	look(false)
	if file() != first || out.Len() > 0 {
		t.Errorf("the code changed before it ran out")
	}
	now = now.Add(time.Second)
	look(false)
	second := file()
	if second == first || !strings.Contains(out.String(), second) {
		t.Errorf("after its hour the code is %q and the output %q; want a new one, printed", second, out.String())
	}
	if _, _, err := inst.store.CreateAccount(t.Context(), keys.Command("test"), store.NewAccount{
		Slug: "acme", Zone: "UTC", Email: "ana@acme.example", PasswordPHC: "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	}); err != nil {
		t.Fatal(err)
	}
	look(true)
	if file() != "" {
		t.Errorf("the file still holds a code after the installation was claimed")
	}
}
