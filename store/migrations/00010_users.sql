-- The rules of this file are those of 00001_first.sql.

-- +goose Up

-- An inactive user cannot sign in. A user without a password cannot either: one who was invited has none
-- until the link is opened. edit_version counts the changes of a user's roles; version counts every lock.
ALTER TABLE app_user ADD COLUMN status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive'));
ALTER TABLE app_user ADD COLUMN edit_version BIGINT NOT NULL DEFAULT 1;

-- The link that a form about a user made: a form makes one link, however often it is sent.
CREATE TABLE user_form (
	account_id TEXT   NOT NULL REFERENCES account (id),
	nonce      TEXT   NOT NULL,
	link_id    TEXT   NOT NULL REFERENCES link (id),
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, nonce)
);
