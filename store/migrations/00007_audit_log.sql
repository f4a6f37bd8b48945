-- The rules of this file are those of 00001_first.sql.

-- +goose Up

-- The pages of the audit log are in the order of the time, whatever narrows them. at comes before seq,
-- so that a range of days is a part of each index.
CREATE INDEX audit_newest ON audit (account_id, at, seq);
CREATE INDEX audit_actor ON audit (account_id, actor, at, seq);
CREATE INDEX audit_action ON audit (account_id, action, at, seq);
CREATE INDEX audit_about ON audit (account_id, object_id, at, seq);
CREATE INDEX audit_name ON audit (account_id, object, at, seq);
CREATE INDEX audit_alarms ON audit (account_id, at, seq) WHERE alarm;
