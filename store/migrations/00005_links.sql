-- The rules of this file are those of 00001_first.sql.

-- +goose Up

-- A single-access link. Of its secret only the SHA-256 is kept, and what it hands over is made when it is
-- opened, so nothing that waits here could be used. id stands in the link's address. token is the number
-- that the token gets when the link of a key is opened; it is drawn with the link, so that a renewal has
-- one number from its beginning. wrong counts the wrong secrets that were presented.
CREATE TABLE link (
	id          TEXT   NOT NULL PRIMARY KEY,
	account_id  TEXT   NOT NULL REFERENCES account (id),
	kind        TEXT   NOT NULL CHECK (kind IN ('key', 'renewal', 'invitation', 'reset')),
	key_id      TEXT   REFERENCES api_key (id),
	user_id     TEXT   REFERENCES app_user (id),
	token       BIGINT NOT NULL,
	digest      BYTEA  NOT NULL,
	created_at  BIGINT NOT NULL,
	created_by  TEXT   NOT NULL,
	expires_at  BIGINT NOT NULL,
	opened_at   BIGINT,
	opened_ip   TEXT   NOT NULL,
	voided_at   BIGINT,
	void_reason TEXT   NOT NULL,
	wrong       BIGINT NOT NULL
);

CREATE INDEX link_key ON link (key_id, created_at);
CREATE INDEX link_user ON link (user_id, created_at);
CREATE INDEX link_waiting ON link (expires_at) WHERE opened_at IS NULL AND voided_at IS NULL;
