-- The rules of this file are those of 00001_first.sql.

-- +goose Up

-- How a user wants to see the console. Empty means what holds without a choice: the browser's language, the
-- account's zone, the device's light or dark.
ALTER TABLE app_user ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE app_user ADD COLUMN zone     TEXT NOT NULL DEFAULT '';
ALTER TABLE app_user ADD COLUMN theme    TEXT NOT NULL DEFAULT '';

-- What a session is called in a page and in an address. It opens nothing. A user has no two sessions of one
-- moment, and only ever names their own.
ALTER TABLE session ADD COLUMN id TEXT NOT NULL DEFAULT '';
UPDATE session SET id = 's' || CAST(created_at AS TEXT);
