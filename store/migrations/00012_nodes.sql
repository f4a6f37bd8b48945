-- The rules of this file are those of 00001_first.sql.

-- +goose Up

-- The servers that work on a PostgreSQL database: one row for each run of one. beat counts its heartbeats,
-- beat_at is the time of the last one by the database's clock, and proved_at, by the same clock, the time up to
-- which it was known to have every change. applied is its place in the change log, and applied_event the id of the
-- change there, as the node knows it.
CREATE TABLE node (
	id            TEXT   NOT NULL PRIMARY KEY,
	name          TEXT   NOT NULL,
	version       TEXT   NOT NULL,
	beat          BIGINT NOT NULL,
	beat_at       BIGINT NOT NULL,
	applied       BIGINT NOT NULL,
	applied_event TEXT   NOT NULL,
	proved_at     BIGINT NOT NULL,
	max_staleness BIGINT NOT NULL
);

-- Every node shows a code of its own while the installation is not set up. Whoever claims it locks head.
DROP TABLE setup_code;

CREATE TABLE setup_code (
	node       TEXT   NOT NULL PRIMARY KEY,
	digest     BYTEA  NOT NULL,
	expires_at BIGINT NOT NULL
);
