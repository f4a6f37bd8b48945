package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"latchkey/store"
)

// This file hands out PostgreSQL databases that have the store's schema already: the migrations, or a copy of
// a database that has them, take several times as long as a small test. A database goes from one test to the
// next when its schema is still as the migrations left it; its rows are then put back to what they were.

// pool holds the databases that no test has at the moment.
var pool struct {
	sync.Once
	sync.Mutex
	free []string
}

// template is the database that those of the pool are copies of.
const template = "template_of_tests"

// remember makes a database keep, in a schema that no store looks into, the rows that every table has, and
// whether its own schema was changed since.
const remember = `
	CREATE SCHEMA kept;
	DO $$ DECLARE name TEXT; BEGIN
		FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
			EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%I', name, name);
		END LOOP;
	END $$;
	CREATE TABLE kept.schema_change (tag TEXT);
	CREATE FUNCTION kept.note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO kept.schema_change VALUES (tg_tag); END $$;
	CREATE EVENT TRIGGER note ON ddl_command_end EXECUTE FUNCTION kept.note()`

// reset puts all rows back, whatever refers to them. It fails when the schema was changed.
const reset = `
	SET lock_timeout = '5s'; SET session_replication_role = replica;
	DO $$ DECLARE name TEXT; BEGIN
		PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
		IF EXISTS (SELECT FROM kept.schema_change) THEN RAISE 'the schema was changed'; END IF;
		FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
			EXECUTE format('DELETE FROM public.%I', name);
			EXECUTE format('INSERT INTO public.%I SELECT * FROM kept.%I', name, name);
		END LOOP;
	END $$`

// MigratedPostgres is Postgres, but for a database of the test's own that has the schema of the store, and no
// rows but those of the migrations.
func MigratedPostgres(t testing.TB) string {
	t.Helper()
	useCluster(t)
	pool.Do(func() { makeTemplate(t) })
	name := takeFree()
	if name == "" {
		name = copyDatabase(t, template)
	}
	t.Cleanup(func() {
		if runIn(context.Background(), name, reset) != nil {
			dropDatabase(name)
			return
		}
		pool.Lock()
		defer pool.Unlock()
		pool.free = append(pool.free, name)
	})
	return databaseURL(name)
}

func makeTemplate(t testing.TB) {
	t.Helper()
	administer(t, `CREATE DATABASE `+template)
	s, err := store.Open(t.Context(), databaseURL(template), store.Options{Now: NewClock().Now})
	if err == nil {
		err = errors.Join(s.Close(), runIn(t.Context(), template, remember))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// takeFree takes a database out of the pool, if there is one.
func takeFree() (name string) {
	pool.Lock()
	defer pool.Unlock()
	if last := len(pool.free) - 1; last >= 0 {
		name, pool.free = pool.free[last], pool.free[:last]
	}
	return name
}

// copyPostgres is Copy for a database of the cluster.
func copyPostgres(t testing.TB, url string) (copied string, remove func()) {
	t.Helper()
	of, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	name := copyDatabase(t, of.Database)
	return databaseURL(name), func() { dropDatabase(name) }
}

func copyDatabase(t testing.TB, of string) (name string) {
	t.Helper()
	name = fmt.Sprintf("test_%d", cluster.named.Add(1))
	administer(t, `CREATE DATABASE `+name+` TEMPLATE `+of)
	return name
}

// dropDatabase does not wait: the server itself waits for connections that were closed a moment ago. What is
// left in the end goes with the cluster.
func dropDatabase(name string) {
	go func() { _, _ = cluster.admin.ExecContext(context.Background(), `DROP DATABASE `+name+` WITH (FORCE)`) }()
}

// runIn runs statements in a database of the cluster.
func runIn(ctx context.Context, name, statements string) error {
	db, err := sql.Open("pgx", databaseURL(name))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, statements)
	return errors.Join(err, db.Close())
}

// databaseURL is the URL of a database of the cluster.
func databaseURL(name string) string {
	return strings.Replace(cluster.url, "/postgres?", "/"+name+"?", 1)
}
