-- The rules of this file are those of 00001_first.sql.

-- +goose Up

-- The numbers of what a row belongs to: a verifier loads all keys, and numbers are what makes that fast.
ALTER TABLE api_token ADD COLUMN key_number BIGINT NOT NULL DEFAULT 0;
UPDATE api_token SET key_number = (SELECT number FROM api_key WHERE api_key.id = api_token.key_id);

ALTER TABLE api_key_role ADD COLUMN key_number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE api_key_role ADD COLUMN role_number BIGINT NOT NULL DEFAULT 0;
UPDATE api_key_role SET
	key_number  = (SELECT number FROM api_key WHERE api_key.id = api_key_role.key_id),
	role_number = (SELECT number FROM role WHERE role.id = api_key_role.role_id);

CREATE INDEX api_key_role_numbers ON api_key_role (key_number, role_number);

-- How often a token was presented in an hour, and when in it it was last accepted, from which address.
-- hour is the beginning of the hour; used_at is 0 while it was only refused. A token is its number.
CREATE TABLE usage_hourly (
	token    BIGINT NOT NULL,
	hour     BIGINT NOT NULL,
	accepted BIGINT NOT NULL,
	refused  BIGINT NOT NULL,
	used_at  BIGINT NOT NULL,
	used_ip  TEXT   NOT NULL,
	PRIMARY KEY (token, hour)
);

CREATE INDEX usage_hourly_hour ON usage_hourly (hour);

-- The newest batch of counts that each verifier has written.
CREATE TABLE usage_batch (
	writer TEXT   NOT NULL PRIMARY KEY,
	number BIGINT NOT NULL,
	at     BIGINT NOT NULL
);

-- A key's history leaves out refused verifications, of which there may be very many.
DROP INDEX audit_object;
CREATE INDEX audit_object ON audit (account_id, object_kind, object_id, seq) WHERE action <> 'verify.refused';
CREATE INDEX audit_alarm ON audit (account_id, object_kind, object_id, seq) WHERE alarm;
