-- The rules of this file are those of 00001_first.sql.

-- +goose Up

-- A key of another account that has roles here: account_id is the account that gave them, key_id the key.
-- The numbers are those of what the row belongs to, as a verifier needs them. A grant goes with its key.
CREATE TABLE external_key (
	id             TEXT   NOT NULL PRIMARY KEY,
	number         BIGINT NOT NULL UNIQUE,
	account_id     TEXT   NOT NULL REFERENCES account (id),
	account_number BIGINT NOT NULL,
	key_id         TEXT   NOT NULL REFERENCES api_key (id),
	key_number     BIGINT NOT NULL,
	added_at       BIGINT NOT NULL,
	added_by       TEXT   NOT NULL,
	version        BIGINT NOT NULL,
	UNIQUE (account_id, key_id)
);

CREATE INDEX external_key_newest ON external_key (account_id, added_at, id);
CREATE INDEX external_key_key ON external_key (key_id);

CREATE TABLE external_key_role (
	external_id TEXT   NOT NULL REFERENCES external_key (id),
	role_id     TEXT   NOT NULL REFERENCES role (id),
	role_number BIGINT NOT NULL,
	PRIMARY KEY (external_id, role_id)
);

CREATE INDEX external_key_role_role ON external_key_role (role_id);
