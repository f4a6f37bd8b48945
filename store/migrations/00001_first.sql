-- The rules of this file: it runs as it stands on SQLite and on PostgreSQL. Times are microseconds
-- since 1970 in UTC, ids are UUIDv7 as text, numbers come from head.number.

-- +goose Up

-- The one row that every change updates last: the place in the audit log, the counter of stable
-- integers, and the hash of the newest audit row.
CREATE TABLE head (
	id     BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
	seq    BIGINT NOT NULL,
	number BIGINT NOT NULL,
	chain  TEXT   NOT NULL
);

INSERT INTO head (id, seq, number, chain) VALUES (1, 0, 0, '');

CREATE TABLE account (
	id              TEXT    NOT NULL PRIMARY KEY,
	number          BIGINT  NOT NULL UNIQUE,
	slug            TEXT    NOT NULL UNIQUE,
	zone            TEXT    NOT NULL,
	duration_unit   TEXT    NOT NULL CHECK (duration_unit IN ('months', 'days')),
	duration_amount BIGINT  NOT NULL,
	enforce_expiry  BOOLEAN NOT NULL,
	key_count       BIGINT  NOT NULL,
	created_at      BIGINT  NOT NULL,
	version         BIGINT  NOT NULL
);

CREATE TABLE resource (
	number      BIGINT NOT NULL PRIMARY KEY,
	account_id  TEXT   NOT NULL REFERENCES account (id),
	slug        TEXT   NOT NULL,
	product     TEXT   NOT NULL,
	name        TEXT   NOT NULL,
	description TEXT   NOT NULL,
	UNIQUE (account_id, slug)
);

CREATE TABLE role (
	id          TEXT    NOT NULL PRIMARY KEY,
	number      BIGINT  NOT NULL UNIQUE,
	account_id  TEXT    NOT NULL REFERENCES account (id),
	slug        TEXT    NOT NULL,
	name        TEXT    NOT NULL,
	description TEXT    NOT NULL,
	built_in    BOOLEAN NOT NULL,
	everything  BOOLEAN NOT NULL,
	version     BIGINT  NOT NULL,
	UNIQUE (account_id, slug)
);

CREATE TABLE role_resource (
	role_id  TEXT   NOT NULL REFERENCES role (id),
	resource BIGINT NOT NULL REFERENCES resource (number),
	PRIMARY KEY (role_id, resource)
);

CREATE TABLE app_user (
	id              TEXT   NOT NULL PRIMARY KEY,
	number          BIGINT NOT NULL UNIQUE,
	account_id      TEXT   NOT NULL REFERENCES account (id),
	email           TEXT   NOT NULL UNIQUE,
	password_phc    TEXT   NOT NULL,
	created_at      BIGINT NOT NULL,
	last_sign_in_at BIGINT,
	version         BIGINT NOT NULL
);

CREATE TABLE user_role (
	user_id TEXT NOT NULL REFERENCES app_user (id),
	role_id TEXT NOT NULL REFERENCES role (id),
	PRIMARY KEY (user_id, role_id)
);

-- A deleted key stays as a row, so that its id is never given to another key.
CREATE TABLE api_key (
	id         TEXT   NOT NULL PRIMARY KEY,
	number     BIGINT NOT NULL UNIQUE,
	account_id TEXT   NOT NULL REFERENCES account (id),
	app_key    TEXT   NOT NULL UNIQUE,
	name       TEXT   NOT NULL,
	status     TEXT   NOT NULL CHECK (status IN ('active', 'inactive')),
	created_at BIGINT NOT NULL,
	created_by TEXT   NOT NULL,
	deleted_at BIGINT,
	version    BIGINT NOT NULL
);

CREATE INDEX api_key_newest ON api_key (account_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX api_key_name ON api_key (account_id, name) WHERE deleted_at IS NULL;

CREATE TABLE api_key_role (
	key_id  TEXT NOT NULL REFERENCES api_key (id),
	role_id TEXT NOT NULL REFERENCES role (id),
	PRIMARY KEY (key_id, role_id)
);

CREATE INDEX api_key_role_role ON api_key_role (role_id);

-- digest is SHA-256 of the token (alg 1). kid names the pepper of algorithms that have one.
CREATE TABLE api_token (
	id          TEXT   NOT NULL PRIMARY KEY,
	number      BIGINT NOT NULL UNIQUE,
	key_id      TEXT   NOT NULL REFERENCES api_key (id),
	digest      BYTEA  NOT NULL UNIQUE,
	alg         BIGINT NOT NULL,
	kid         TEXT   NOT NULL,
	hint        TEXT   NOT NULL,
	state       TEXT   NOT NULL CHECK (state IN ('live', 'retired', 'revoked')),
	created_at  BIGINT NOT NULL,
	revoked_at  BIGINT,
	reason      TEXT   NOT NULL,
	replaced_by TEXT   REFERENCES api_token (id)
);

CREATE INDEX api_token_key ON api_token (key_id);

-- key_id is what the form made.
CREATE TABLE form_nonce (
	account_id TEXT   NOT NULL REFERENCES account (id),
	nonce      TEXT   NOT NULL,
	key_id     TEXT   NOT NULL REFERENCES api_key (id),
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, nonce)
);

CREATE TABLE session (
	digest     BYTEA  NOT NULL PRIMARY KEY,
	user_id    TEXT   NOT NULL REFERENCES app_user (id),
	created_at BIGINT NOT NULL,
	seen_at    BIGINT NOT NULL,
	ip         TEXT   NOT NULL,
	user_agent TEXT   NOT NULL,
	flash      TEXT   NOT NULL
);

CREATE INDEX session_newest ON session (user_id, created_at);

-- A browser that a user signed in from. Several users may share one.
CREATE TABLE device (
	user_id TEXT   NOT NULL REFERENCES app_user (id),
	digest  BYTEA  NOT NULL,
	seen_at BIGINT NOT NULL,
	PRIMARY KEY (user_id, digest)
);

-- Attempts to sign in, counted for a scope: the digest of an email with a network or a browser, of
-- an email alone, or of an address with a minute. subject is the digest of the email, or empty.
CREATE TABLE login_limit (
	scope     BYTEA   NOT NULL PRIMARY KEY,
	kind      TEXT    NOT NULL,
	subject   BYTEA   NOT NULL,
	failures  BIGINT  NOT NULL,
	last_at   BIGINT  NOT NULL,
	before_at BIGINT  NOT NULL,
	reported  BOOLEAN NOT NULL
);

CREATE INDEX login_limit_subject ON login_limit (subject);

CREATE TABLE setup_code (
	id         BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
	digest     BYTEA  NOT NULL,
	expires_at BIGINT NOT NULL,
	version    BIGINT NOT NULL
);

-- How many refusals an account's audit log took in a minute, and how many more were only counted.
CREATE TABLE refusal_limit (
	account_id TEXT   NOT NULL PRIMARY KEY,
	minute     BIGINT NOT NULL,
	written    BIGINT NOT NULL,
	more       BIGINT NOT NULL
);

-- hash is SHA-256 over prev and every column before it; sums are CRC-32 sums of the same columns, by
-- which a changed one can be named.
CREATE TABLE audit (
	seq         BIGINT  NOT NULL PRIMARY KEY,
	id          TEXT    NOT NULL UNIQUE,
	at          BIGINT  NOT NULL,
	account_id  TEXT    NOT NULL,
	actor_kind  TEXT    NOT NULL,
	actor_id    TEXT    NOT NULL,
	actor       TEXT    NOT NULL,
	action      TEXT    NOT NULL,
	object_kind TEXT    NOT NULL,
	object_id   TEXT    NOT NULL,
	object      TEXT    NOT NULL,
	ip          TEXT    NOT NULL,
	request_id  TEXT    NOT NULL,
	result      TEXT    NOT NULL,
	alarm       BOOLEAN NOT NULL,
	details     TEXT    NOT NULL,
	prev        TEXT    NOT NULL,
	hash        TEXT    NOT NULL,
	sums        TEXT    NOT NULL
);

CREATE INDEX audit_object ON audit (account_id, object_kind, object_id, seq);

-- What a verifier must know, in the order of the commits. seq and event_id are those of the audit row.
CREATE TABLE change_log (
	seq         BIGINT NOT NULL PRIMARY KEY,
	event_id    TEXT   NOT NULL,
	account_id  TEXT   NOT NULL,
	object_kind TEXT   NOT NULL,
	object_id   TEXT   NOT NULL,
	at          BIGINT NOT NULL
);
