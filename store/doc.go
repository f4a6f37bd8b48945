// Package store keeps what package keys describes in a database: a SQLite file or PostgreSQL, with
// one SQL text for both.
//
// One method is one user action and one transaction. change.go holds the frame that every change
// runs in; what differs between the two databases is in sqlite.go and postgres.go and nowhere else.
package store
