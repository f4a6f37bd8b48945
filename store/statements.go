package store

import (
	"context"
	"database/sql"
	"sync"
)

// maxStatements is how many queries of a pool are kept prepared. The program has fewer, but for those
// whose text depends on what was asked for.
const maxStatements = 512

// statements are the queries of a pool, prepared once on each of its connections: to read the text of a
// query again every time takes a third of a small change. PostgreSQL's driver does so by itself.
type statements struct {
	db       *sql.DB
	mu       sync.RWMutex
	prepared map[string]*sql.Stmt
}

func newStatements(db *sql.DB) *statements {
	return &statements{db: db, prepared: map[string]*sql.Stmt{}}
}

// of returns the statement of a query for one transaction, or nil when it is not prepared.
func (s *statements) of(ctx context.Context, tx *sql.Tx, query string) *sql.Stmt {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if statement := s.prepared[query]; statement != nil {
		return tx.StmtContext(ctx, statement)
	}
	return nil
}

// prepare keeps queries for the transactions to come. It needs a connection, so whoever calls it holds
// none: the pool of changes has only one. What cannot be prepared stays as it is.
func (s *statements) prepare(ctx context.Context, queries []string) {
	for _, query := range queries {
		s.mu.RLock()
		known, full := s.prepared[query] != nil, len(s.prepared) >= maxStatements
		s.mu.RUnlock()
		if known || full {
			continue
		}
		statement, err := s.db.PrepareContext(ctx, query)
		if err != nil {
			return
		}
		s.keep(query, statement)
	}
}

// keep takes a statement, unless another transaction was faster.
func (s *statements) keep(query string, statement *sql.Stmt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prepared[query] == nil {
		s.prepared[query] = statement
		return
	}
	_ = statement.Close()
}
