package store

import (
	"context"

	"latchkey/keys"
)

// ChangePreferences gives the actor the preferences and says whether that changed any. It returns
// Invalid when a rule is broken, and NotFound when the actor is no user.
func (s *Store) ChangePreferences(ctx context.Context, by keys.Actor, in keys.Preferences) (changed bool, err error) {
	by = itself(by)
	if err := keys.CheckPreferences(in); err != nil {
		return false, err
	}
	err = s.change(ctx, by, func(ctx context.Context, t *tx) error {
		changed = false
		user, err := t.lockUser(ctx, by.AccountID, by.UserID)
		if err != nil {
			return err
		}
		var before keys.Preferences
		err = t.row(ctx, `SELECT language, zone, theme FROM app_user WHERE id = $1`, user.id).Scan(&before.Language, &before.Zone, &before.Theme)
		if err != nil {
			return err
		}
		details := preferencesDetails(before, in)
		if len(details) == 0 {
			return errUnchanged
		}
		changed = true
		t.record(keys.AuditEvent{
			Action: keys.ActionPreferencesSet, ObjectKind: objectUser, ObjectID: user.id, Object: user.email, Details: details,
		})
		return t.savePreferences(ctx, user.id, in)
	})
	return changed, err
}

func (t *tx) savePreferences(ctx context.Context, userID string, p keys.Preferences) error {
	_, err := t.exec(ctx, `UPDATE app_user SET language = $2, zone = $3, theme = $4 WHERE id = $1`, userID, p.Language, p.Zone, string(p.Theme))
	return err
}

// preferencesDetails are the fields that differ, before and after.
func preferencesDetails(before, after keys.Preferences) map[string]any {
	details := map[string]any{}
	note := func(field, before, after string) {
		if before != after {
			details[field] = map[string]any{"before": before, "after": after}
		}
	}
	note("language", before.Language, after.Language)
	note("zone", before.Zone, after.Zone)
	note("theme", string(before.Theme), string(after.Theme))
	return details
}
