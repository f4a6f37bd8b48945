-- The rules of this file are those of 00001_first.sql.

-- +goose Up

-- Counts the changes of the account's settings: a form is only good for the version it was made from.
ALTER TABLE account ADD COLUMN settings_version BIGINT NOT NULL DEFAULT 1;

-- The number of the token that the form made. 0 where the form is older than this column: it made the
-- first token of a key.
ALTER TABLE form_nonce ADD COLUMN token BIGINT NOT NULL DEFAULT 0;
