-- The rules of this file are those of 00001_first.sql.

-- +goose Up

-- What the list of keys is searched, filtered and ordered by stands in the key's own row, so that an index
-- answers without a look at any other row. Every change of what these columns repeat writes them too.
-- find_text is the id and the name, folded, and name_key the beginning of the folded name as bytes, which both
-- databases order alike. Only the program can fold, so it fills both in when it opens the database: they are
-- empty until then, and in rows that an older program adds.
ALTER TABLE api_key ADD COLUMN find_text TEXT NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN name_key BYTEA NOT NULL DEFAULT '';
CREATE INDEX api_key_unfolded ON api_key (number) WHERE find_text = '';

-- The numbers of the key's roles, each between commas, or * when these are too many for an index.
ALTER TABLE api_key ADD COLUMN role_set TEXT NOT NULL DEFAULT '';
UPDATE api_key SET role_set = COALESCE((
	SELECT CASE WHEN COUNT(*) > 50 THEN '*' ELSE ',' || STRING_AGG(CAST(role_number AS TEXT), ',') || ',' END
	FROM api_key_role WHERE key_id = api_key.id), '');

-- When the newest live token was made, or 0, how many live tokens there are, and until when the link that
-- waits can be opened, or 0.
ALTER TABLE api_key ADD COLUMN token_newest BIGINT NOT NULL DEFAULT 0;
ALTER TABLE api_key ADD COLUMN token_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE api_key ADD COLUMN link_until BIGINT NOT NULL DEFAULT 0;
UPDATE api_key SET
	token_newest = COALESCE((
		SELECT created_at FROM api_token WHERE key_id = api_key.id AND state = 'live' ORDER BY number DESC LIMIT 1), 0),
	token_count = (SELECT COUNT(*) FROM api_token WHERE key_id = api_key.id AND state = 'live'),
	link_until = COALESCE((
		SELECT MAX(expires_at) FROM link WHERE key_id = api_key.id AND opened_at IS NULL AND voided_at IS NULL), 0);

-- One index for each order of the list. Behind the place in the order stands what a filter looks at; with
-- deleted_at, SQLite knows that it needs nothing else.
-- Whether a name is taken, the order of names tells as well.
DROP INDEX api_key_newest;
DROP INDEX api_key_name;
CREATE INDEX api_key_by_created ON api_key
	(account_id, created_at, number, status, token_newest, token_count, link_until, role_set, find_text, deleted_at) WHERE deleted_at IS NULL;
CREATE INDEX api_key_by_name ON api_key
	(account_id, name_key, number, status, token_newest, token_count, link_until, role_set, find_text, deleted_at) WHERE deleted_at IS NULL;
CREATE INDEX api_key_by_duration ON api_key
	(account_id, token_newest, number, status, token_count, link_until, role_set, find_text, deleted_at) WHERE deleted_at IS NULL;
CREATE INDEX api_key_by_status ON api_key
	(account_id, status, number, token_newest, token_count, link_until, role_set, find_text, deleted_at) WHERE deleted_at IS NULL;
