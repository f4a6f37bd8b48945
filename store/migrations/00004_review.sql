-- The rules of this file are those of 00001_first.sql.

-- +goose Up

-- When a backup was restored that does not know what was revoked after it. Until somebody has looked
-- through the account's keys, nobody can know whether one of them may come in. NULL is the usual case.
ALTER TABLE account ADD COLUMN review_since BIGINT;
