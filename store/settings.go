package store

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"latchkey/keys"
)

// ChangeSettings is what a settings form says.
type ChangeSettings struct {
	// Version is the settings' version that the form was made from.
	Version int64
	// Settings are what shall hold.
	Settings keys.Settings
	// Accepted is the mark of SettingsPreview.Stopped that the person has seen and accepted, or empty.
	Accepted string
}

// ChangeSettings gives the account its settings and says whether that changed anything. It returns
// Invalid when a rule is broken, Conflict with ReasonSettingsChanged when the settings were changed
// since the form was made, Conflict with ReasonKeysWouldStop when keys would be left without a valid
// token and those are not the accepted ones, and Forbidden when the actor may not edit settings.
func (s *Store) ChangeSettings(ctx context.Context, by keys.Actor, in ChangeSettings) (account keys.Account, changed bool, err error) {
	if err := by.Require(keys.EditAPIKeySettings); err != nil {
		return keys.Account{}, false, err
	}
	if err := keys.CheckSettings(in.Settings); err != nil {
		return keys.Account{}, false, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		changed = false
		if account, err = t.lockAccount(ctx); err != nil {
			return err
		}
		if account.SettingsVersion != in.Version {
			return keys.Conflict(keys.ReasonSettingsChanged)
		}
		details := settingsDetails(account.Settings(), in.Settings)
		if len(details) == 0 {
			return errUnchanged
		}
		stopped, err := t.stoppedBy(ctx, account, in.Settings)
		if err != nil {
			return err
		}
		if len(stopped) > 0 && markOf(stopped) != in.Accepted {
			return keys.Conflict(keys.ReasonKeysWouldStop)
		}
		account, changed = account.With(in.Settings), true
		account.SettingsVersion++
		details["stopped"] = len(stopped)
		t.record(keys.AuditEvent{
			Action: keys.ActionSettingsChanged, ObjectKind: objectAccount, ObjectID: account.ID, Object: account.Slug, Details: details,
		})
		return t.saveSettings(ctx, account)
	})
	if err != nil {
		return keys.Account{}, false, err
	}
	return account, changed, nil
}

func (t *tx) saveSettings(ctx context.Context, a keys.Account) error {
	_, err := t.exec(ctx, `
		UPDATE account SET duration_unit = $2, duration_amount = $3, enforce_expiry = $4, zone = $5, settings_version = $6
		WHERE id = $1`,
		a.ID, string(a.Duration.Unit), a.Duration.Amount, a.EnforceExpiry, a.Zone, a.SettingsVersion)
	return err
}

// settingsDetails are the fields that differ, before and after.
func settingsDetails(before, after keys.Settings) map[string]any {
	details := map[string]any{}
	note := func(field string, before, after any) {
		if before != after {
			details[field] = map[string]any{"before": before, "after": after}
		}
	}
	note("duration", durationText(before.Duration), durationText(after.Duration))
	note("enforce_expiry", before.EnforceExpiry, after.EnforceExpiry)
	note("zone", before.Zone, after.Zone)
	return details
}

func durationText(d keys.Duration) string { return strconv.Itoa(d.Amount) + " " + string(d.Unit) }

// parseDurationText reads what durationText wrote.
func parseDurationText(text string) (d keys.Duration, ok bool) {
	amount, unit, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(amount)
	d = keys.Duration{Unit: keys.DurationUnit(unit), Amount: n}
	return d, err == nil && durationText(d) == text
}

// SettingsPreview says what settings would do to the account's keys.
type SettingsPreview struct {
	// Past is how many keys would have only tokens past their duration.
	Past int
	// Stopped is how many keys have a token that comes in by its age now, and would have none.
	Stopped int
	// Keys are the first of the stopped keys, the newest first.
	Keys []keys.Key
	// Mark stands for exactly these stopped keys. ChangeSettings takes it as their acceptance.
	Mark string
}

// PreviewSettings returns what settings would do, with at most limit of the keys that they would
// stop. It returns Invalid when a rule is broken, and Forbidden when the actor may not edit settings.
func (s *Store) PreviewSettings(ctx context.Context, by keys.Actor, in keys.Settings, limit int) (preview SettingsPreview, err error) {
	if err := by.Require(keys.EditAPIKeySettings); err != nil {
		return SettingsPreview{}, err
	}
	if err := keys.CheckSettings(in); err != nil {
		return SettingsPreview{}, err
	}
	err = s.read(ctx, func(ctx context.Context, t *tx) error {
		account, err := scanAccount(t.row(ctx, `SELECT `+accountColumns+` FROM account WHERE id = $1`, by.AccountID))
		if err != nil {
			return orNotFound(err, keys.ReasonAccountNotFound)
		}
		past, err := t.keysOfAge(ctx, account.ID, time.Time{}, account.With(in).Cutoff(t.at))
		if err != nil {
			return err
		}
		stopped, err := t.stoppedBy(ctx, account, in)
		if err != nil {
			return err
		}
		preview = SettingsPreview{Past: len(past), Stopped: len(stopped), Mark: markOf(stopped)}
		for _, number := range stopped[:min(limit, len(stopped))] {
			key, err := t.keyOfNumber(ctx, account.ID, number)
			if err != nil {
				return err
			}
			preview.Keys = append(preview.Keys, key)
		}
		return nil
	})
	return preview, err
}

// stoppedBy are the numbers of the keys that settings leave without a valid token, the newest first.
func (t *tx) stoppedBy(ctx context.Context, account keys.Account, in keys.Settings) ([]int64, error) {
	return t.keysOfAge(ctx, account.ID, account.ValidFrom(t.at), account.With(in).ValidFrom(t.at))
}

// keysOfAge are the numbers of the keys whose youngest live token was made at from or later and
// before to. As a token's expiry is monotone in its creation, the youngest one is the last to go.
func (t *tx) keysOfAge(ctx context.Context, accountID string, from, to time.Time) ([]int64, error) {
	if !from.Before(to) {
		return nil, nil
	}
	return list(ctx, t, scanNumber, `
		SELECT api_key.number
		FROM api_key JOIN api_token ON api_token.key_id = api_key.id AND api_token.state = 'live'
		WHERE api_key.account_id = $1 AND api_key.deleted_at IS NULL
		GROUP BY api_key.number
		HAVING max(api_token.created_at) >= $2 AND max(api_token.created_at) < $3
		ORDER BY api_key.number DESC`, accountID, from.UnixMicro(), to.UnixMicro())
}

func scanNumber(row scanner) (number int64, err error) {
	err = row.Scan(&number)
	return number, err
}

func (t *tx) keyOfNumber(ctx context.Context, accountID string, number int64) (keys.Key, error) {
	k, err := scanKey(t.row(ctx, `
		SELECT `+keyColumns+` FROM api_key WHERE account_id = $1 AND number = $2`, accountID, number))
	if err != nil {
		return keys.Key{}, err
	}
	err = t.completeKey(ctx, &k)
	return k.Key, err
}

// markOf is a short text that differs for different lists of keys. It guards against an honest change
// between two pages and proves nothing.
func markOf(numbers []int64) string {
	if len(numbers) == 0 {
		return ""
	}
	sum := fnv.New64a()
	for _, n := range numbers {
		_, _ = sum.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) //nolint:gosec // only the bits count
	}
	return strconv.Itoa(len(numbers)) + "-" + strconv.FormatUint(sum.Sum64(), 36)
}
