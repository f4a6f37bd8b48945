package store_test

import (
	"slices"
	"testing"

	"latchkey/store/storetest"
)

// A test of PostgreSQL may be given the database of an earlier one, and must not be able to tell.
func TestAPostgresDatabaseIsAsNewForTheNextTest(t *testing.T) {
	var urls []string
	var rows [][]string
	for _, c := range []struct {
		name   string
		change func(t *testing.T, url string)
	}{
		{"rows", func(t *testing.T, url string) {
			if err := addAccount(t.Context(), open(t, url), "acme"); err != nil {
				t.Fatal(err)
			}
			storetest.OpenRaw(t, url).Do(`DELETE FROM goose_db_version`)
		}},
		{"schema", func(t *testing.T, url string) { storetest.OpenRaw(t, url).Refuse("INSERT", "audit") }},
		{"nothing", func(*testing.T, string) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := storetest.MigratedPostgres(t)
			urls, rows = append(urls, url), append(rows, storetest.OpenRaw(t, url).EveryRow())
			c.change(t, url)
		})
	}
	if len(urls) != 3 {
		t.Skip("there is no PostgreSQL")
	}
	if urls[0] != urls[1] || urls[1] == urls[2] {
		t.Errorf("the databases are %q", urls)
	}
	if !slices.Equal(rows[0], rows[1]) || !slices.Equal(rows[0], rows[2]) || len(rows[0]) < 5 {
		t.Errorf("the tests begin with\n%q\n%q\n%q", rows[0], rows[1], rows[2])
	}
}
