package store_test

import (
	"errors"
	"strings"
	"testing"

	"latchkey/store"
)

// What stands in a URL after a special character that is not encoded is read as another part of it, which people
// are shown.
func TestAPasswordIsNeverTakenForTheNameOfADatabase(t *testing.T) {
	for _, password := range []string{
		"12/secret", "/secret", "sec/ret", "sec@secret", "1?secret/x", "1/secret?x=y", "12/sec@secret", "sec?x@secret", "[sec/ret]", "%zz/secret", "secret%zz",
	} {
		url := "postgres://latchkey:" + password + "@db.example.com/keys?sslmode=disable"
		name, err := store.PostgresName(url)
		if !errors.Is(err, store.ErrRefused) || name != "" || !strings.Contains(err.Error(), "cannot be read") || strings.Contains(err.Error(), "sec") {
			t.Errorf("%s is called %q, %v; want that it cannot be read", url, name, err)
			continue
		}
		if strings.ContainsAny(password, "/@") && !strings.Contains(err.Error(), "percent-encoded, such as / as %2F and @ as %40") {
			t.Errorf("%s is refused with %v; want what to do", url, err)
		}
		if err := openAndClose(t.Context(), url, options()); !errors.Is(err, store.ErrRefused) || strings.Contains(err.Error(), "sec") {
			t.Errorf("%s is opened with %v; want that it cannot be read", url, err)
		}
	}
	for _, url := range []string{
		"postgres://latchkey:12%2Fsec%40ret@db.example.com/keys",
		"postgres://latchkey:se:c#r?t@db.example.com/keys?application_name=me@home/x",
		"postgres://db.example.com/keys?user=me@server&password=a/b@c",
	} {
		if name, err := store.PostgresName(url); err != nil || name != "PostgreSQL database keys on db.example.com:5432" {
			t.Errorf("%s is called %q, %v", url, name, err)
		}
	}
	if name, err := store.PostgresName("postgres://db.example.com/a%40b%2Fc"); err != nil || name != "PostgreSQL database a@b/c on db.example.com:5432" {
		t.Errorf("a database with special characters in its name is called %q, %v", name, err)
	}
}
