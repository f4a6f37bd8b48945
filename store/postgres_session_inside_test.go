package store

import (
	"context"
	"testing"

	"latchkey/keys"
)

// SettingIn is what a setting of the server is in each kind of transaction.
func SettingIn(t *testing.T, s *Store, name string) map[string]string {
	t.Helper()
	all := map[string]string{}
	show := func(kind string) func(ctx context.Context, t *tx) error {
		return func(ctx context.Context, t *tx) error {
			var value string
			err := t.row(ctx, `SELECT current_setting($1)`, name).Scan(&value)
			all[kind] = value
			return err
		}
	}
	readers, err := s.openFeed(t.Context(), 1, func() {})
	if err != nil {
		t.Fatal(err)
	}
	copied, err := s.db.beginPatient(t.Context(), s.db.write, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		s.change(t.Context(), keys.Command("test"), show("change")),
		s.read(t.Context(), show("page")),
		s.readAll(t.Context(), show("export")),
		show("load")(t.Context(), readers[0].tx),
		show("copy")(t.Context(), &tx{sql: copied, store: s}),
		copied.Rollback(),
		closeFeed(readers),
		s.read(t.Context(), show("page after them")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
