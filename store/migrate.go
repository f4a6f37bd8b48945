package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date. It refuses a schema that is newer than this program.
func migrate(ctx context.Context, dialect goose.Dialect, db *sql.DB, locker lock.SessionLocker) error {
	provider, err := migrator(dialect, db, locker)
	if err != nil {
		return err
	}
	have, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the schema: %w", err)
	}
	if err := checkVersion(have, provider); err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bring the schema up to date: %w", err)
	}
	if err := foldNames(ctx, db); err != nil {
		return fmt.Errorf("fold the names of keys: %w", err)
	}
	return nil
}

func migrator(dialect goose.Dialect, db *sql.DB, locker lock.SessionLocker) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if locker != nil {
		options = append(options, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(dialect, db, files, options...)
}

// checkVersion refuses a newer schema: goose would call it up to date.
func checkVersion(have int64, provider *goose.Provider) error {
	sources := provider.ListSources()
	if len(sources) == 0 {
		return errors.New("no migrations are built in")
	}
	if newest := sources[len(sources)-1].Version; have > newest {
		return refused("the database has schema %d, and this program knows schemas up to %d; start a newer version of the program", have, newest)
	}
	return nil
}
