package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"latchkey/keys"
)

// This file does again what the audit log says was done after a backup, as far as it took access away. What
// gave access is not repeated: tokens cannot be, for only their digests were kept, and a key that was
// activated stays inactive until an admin activates it again. The log says how things ended, so the last
// word about each of them counts.

// replay appends the events to the audit log as they are, and does again what they took away.
func (t *tx) replay(ctx context.Context, newer []ExportedEvent, report *RestoreReport) error {
	rows := make([]auditRow, len(newer))
	for i, e := range newer {
		rows[i] = e.row()
	}
	if err := t.insertAudit(ctx, rows); err != nil {
		return err
	}
	last := newer[len(newer)-1]
	if _, err := t.exec(ctx, `UPDATE head SET seq = $1, chain = $2 WHERE id = 1`, last.Seq, last.Hash); err != nil {
		return err
	}
	report.Replayed, report.LogEnd = len(newer), fromMicros(last.At)
	r := replayer{tx: t, report: report, odd: map[string]bool{}}
	for _, e := range newer {
		if e.Result == resultOK {
			if err := r.event(ctx, e); err != nil {
				return err
			}
		}
	}
	for accountID, odd := range r.odd {
		if !odd {
			continue
		}
		if err := t.reviewOf(ctx, accountID, report); err != nil {
			return err
		}
	}
	return nil
}

// replayer does events again, one after the other.
type replayer struct {
	*tx
	report *RestoreReport
	// odd are the accounts of which the log says something that we do not understand.
	odd map[string]bool
}

// details are the fields of an event that a replay looks at.
type details struct {
	Roles, Resources struct{ Before, After []string }
	EnforceExpiry    *struct{ After bool }   `json:"enforce_expiry"`
	Duration         *struct{ After string } `json:"duration"`
	Zone             *struct{ After string } `json:"zone"`
}

// details reads the fields of an event, or remembers that it could not.
func (r *replayer) details(e ExportedEvent) (d details) {
	if json.Unmarshal([]byte(e.Details), &d) != nil {
		r.odd[e.AccountID] = true
	}
	return d
}

// event does one event again. An account of which the log says something that we do not know is put under
// review.
func (r *replayer) event(ctx context.Context, e ExportedEvent) error {
	again, known := replays[keys.Action(e.Action)]
	r.odd[e.AccountID] = r.odd[e.AccountID] || !known
	if again == nil {
		return nil
	}
	object, err := again(r, ctx, e)
	if err != nil || object == "" {
		return err
	}
	r.report.Applied = append(r.report.Applied, Replayed{Action: keys.Action(e.Action), Object: object})
	return nil
}

// replays says how each action is done again. It returns what it was done to, or nothing where that is not in
// the backup. Nil is for what takes no access away.
var replays = map[keys.Action]func(r *replayer, ctx context.Context, e ExportedEvent) (string, error){
	keys.ActionKeyDeactivated:  (*replayer).deactivated,
	keys.ActionKeyActivated:    (*replayer).activated,
	keys.ActionKeyDeleted:      (*replayer).deleted,
	keys.ActionKeyEdited:       (*replayer).edited,
	keys.ActionKeyGenerated:    (*replayer).generated,
	keys.ActionTokenRetired:    (*replayer).ended,
	keys.ActionTokenRevoked:    (*replayer).ended,
	keys.ActionRoleEdited:      (*replayer).roleEdited,
	keys.ActionExternalEdited:  (*replayer).externalEdited,
	keys.ActionExternalRemoved: (*replayer).externalRemoved,
	keys.ActionSettingsChanged: (*replayer).settingsChanged,
	keys.ActionUserReset:       (*replayer).passwordChanged,
	keys.ActionPasswordChanged: (*replayer).passwordChanged,
	keys.ActionUserDeactivated: (*replayer).userDeactivated,
	keys.ActionUserActivated:   (*replayer).userActivated,
	keys.ActionUserEdited:      (*replayer).userEdited,

	// A role is deleted when nobody holds it; what took it from its holders has events of its own.
	keys.ActionRoleCreated: nil, keys.ActionRoleDeleted: nil, keys.ActionResourceAdded: nil,

	keys.ActionSetupClaimed: nil, keys.ActionAccountCreated: nil, keys.ActionUserCreated: nil, keys.ActionUserUnlocked: nil,
	keys.ActionUserLocked: nil, keys.ActionLoginOK: nil, keys.ActionLoginFail: nil, keys.ActionLoginBlocked: nil,
	keys.ActionLogout: nil, keys.ActionSessionRevoked: nil, keys.ActionTokenMinted: nil, keys.ActionRenewStarted: nil,
	// What became of the tokens of a renewal has events of its own.
	keys.ActionRenewCompleted: nil, keys.ActionRenewUndone: nil, keys.ActionTokenReuse: nil, keys.ActionVerifyRefused: nil,
	keys.ActionVerifyFlooded: nil, keys.ActionCSRFBlocked: nil, keys.ActionAuthzDenied: nil, keys.ActionMoreRefusals: nil,
	// The links of a backup are void, and the keys and tokens that they were about have events of their own.
	keys.ActionLinkCreated: nil, keys.ActionLinkOpened: nil, keys.ActionLinkExpired: nil, keys.ActionLinkVoided: nil,
	keys.ActionLinkReopened: nil, keys.ActionLinkWrongSecret: nil,
	keys.ActionBackupMade: nil, keys.ActionBackupRestored: nil, keys.ActionReviewConfirmed: nil, keys.ActionExternalAdded: nil,
	// What a link did to a password has an event of its own.
	keys.ActionUserInvited:    nil,
	keys.ActionExportMade:     nil,
	keys.ActionPreferencesSet: nil,
}

// changed is the object, when the statement found it.
func changed(object string, rows int64, err error) (string, error) {
	if err != nil || rows == 0 {
		return "", err
	}
	return object, nil
}

func (r *replayer) deactivated(ctx context.Context, e ExportedEvent) (string, error) {
	rows, err := r.exec(ctx, `
		UPDATE api_key SET status = 'inactive', version = version + 1
		WHERE account_id = $1 AND app_key = $2 AND deleted_at IS NULL AND status = 'active'`, e.AccountID, e.ObjectID)
	return changed(e.ObjectID, rows, err)
}

// activated makes a key active again that this replay has deactivated. Of one that was inactive in the backup
// nobody knows here whether it was compromised.
func (r *replayer) activated(ctx context.Context, e ExportedEvent) (string, error) {
	undone := func(done Replayed) bool { return done.Action == keys.ActionKeyDeactivated && done.Object == e.ObjectID }
	if !slices.ContainsFunc(r.report.Applied, undone) {
		return "", nil
	}
	r.report.Applied = slices.DeleteFunc(r.report.Applied, undone)
	_, err := r.exec(ctx, `
		UPDATE api_key SET status = 'active', version = version + 1
		WHERE account_id = $1 AND app_key = $2 AND deleted_at IS NULL`, e.AccountID, e.ObjectID)
	return "", err
}

func (r *replayer) deleted(ctx context.Context, e ExportedEvent) (string, error) {
	r.report.Lost = slices.DeleteFunc(r.report.Lost, func(id string) bool { return id == e.ObjectID })
	rows, err := r.exec(ctx, `
		UPDATE api_key SET deleted_at = $3, version = version + 1
		WHERE account_id = $1 AND app_key = $2 AND deleted_at IS NULL`, e.AccountID, e.ObjectID, e.At)
	if err != nil || rows == 0 {
		return "", err
	}
	for _, query := range []string{
		`DELETE FROM external_key_role WHERE external_id IN (
			SELECT id FROM external_key WHERE key_id = (SELECT id FROM api_key WHERE app_key = $1))`,
		`DELETE FROM external_key WHERE key_id = (SELECT id FROM api_key WHERE app_key = $1)`,
		`DELETE FROM api_key_role WHERE key_id = (SELECT id FROM api_key WHERE app_key = $1)`,
		`UPDATE api_key SET role_set = '' WHERE app_key = $1`,
		`UPDATE account SET key_count = key_count - 1 WHERE id = (SELECT account_id FROM api_key WHERE app_key = $1)`,
	} {
		if _, err := r.exec(ctx, query, e.ObjectID); err != nil {
			return "", err
		}
	}
	return e.ObjectID, nil
}

// generated notes a key that the backup does not know. Nobody has its token any more but its integration.
func (r *replayer) generated(_ context.Context, e ExportedEvent) (string, error) {
	r.report.Lost = append(r.report.Lost, e.ObjectID)
	return "", nil
}

// ended ends a token. Its key's own history says why.
func (r *replayer) ended(ctx context.Context, e ExportedEvent) (string, error) {
	number, ok := wholeNumber(e.ObjectID)
	if !ok {
		r.odd[e.AccountID] = true
		return "", nil
	}
	state := "revoked"
	if keys.Action(e.Action) == keys.ActionTokenRetired {
		state = "retired"
	}
	rows, err := r.exec(ctx, `
		UPDATE api_token SET state = $3, revoked_at = $4, reason = 'ended before the restore'
		WHERE number = $2 AND state = 'live' AND key_id IN (SELECT id FROM api_key WHERE account_id = $1)`,
		e.AccountID, number, state, e.At)
	if err == nil && rows > 0 {
		err = r.noteEach(ctx, r.noteTokens, `SELECT key_id FROM api_token WHERE number = $1`, number)
	}
	return changed(e.ObjectID, rows, err)
}

// edited takes roles away. Those that were given are not.
func (r *replayer) edited(ctx context.Context, e ExportedEvent) (string, error) {
	d := r.details(e)
	var taken int64
	for _, slug := range d.Roles.Before {
		if slices.Contains(d.Roles.After, slug) {
			continue
		}
		rows, err := r.exec(ctx, `
			DELETE FROM api_key_role
			WHERE key_id = (SELECT id FROM api_key WHERE account_id = $1 AND app_key = $2)
				AND role_id = (SELECT id FROM role WHERE account_id = $1 AND slug = $3)`, e.AccountID, e.ObjectID, slug)
		if err != nil {
			return "", err
		}
		taken += rows
	}
	if taken == 0 {
		return "", nil
	}
	return e.ObjectID, r.noteEach(ctx, r.noteRoles, `SELECT id FROM api_key WHERE app_key = $1`, e.ObjectID)
}

// noteEach notes in the row of each key that a query finds what was changed elsewhere.
func (r *replayer) noteEach(ctx context.Context, note func(context.Context, string) error, query string, args ...any) error {
	found, err := list(ctx, r.tx, scanText, query, args...)
	for _, keyID := range found {
		err = errors.Join(err, note(ctx, keyID))
	}
	return err
}

// roleEdited takes resources away. Those that were given are not.
func (r *replayer) roleEdited(ctx context.Context, e ExportedEvent) (string, error) {
	d := r.details(e)
	var taken int64
	for _, slug := range d.Resources.Before {
		if slices.Contains(d.Resources.After, slug) {
			continue
		}
		rows, err := r.exec(ctx, `
			DELETE FROM role_resource
			WHERE role_id = (SELECT id FROM role WHERE account_id = $1 AND slug = $2)
				AND resource = (SELECT number FROM resource WHERE account_id = $1 AND slug = $3)`, e.AccountID, e.ObjectID, slug)
		if err != nil {
			return "", err
		}
		taken += rows
	}
	if taken == 0 {
		return "", nil
	}
	_, err := r.exec(ctx, `UPDATE role SET version = version + 1 WHERE account_id = $1 AND slug = $2`, e.AccountID, e.ObjectID)
	return e.ObjectID, err
}

// externalOf is the external key that an event of the account $1 about the key $2 tells of.
const externalOf = `(SELECT external_key.id FROM external_key JOIN api_key ON api_key.id = external_key.key_id
	WHERE external_key.account_id = $1 AND api_key.app_key = $2)`

// externalEdited takes roles away. Those that were given are not.
func (r *replayer) externalEdited(ctx context.Context, e ExportedEvent) (string, error) {
	d := r.details(e)
	var taken int64
	for _, slug := range d.Roles.Before {
		if slices.Contains(d.Roles.After, slug) {
			continue
		}
		rows, err := r.exec(ctx, `
			DELETE FROM external_key_role
			WHERE external_id = `+externalOf+` AND role_id = (SELECT id FROM role WHERE account_id = $1 AND slug = $3)`,
			e.AccountID, e.ObjectID, slug)
		if err != nil {
			return "", err
		}
		taken += rows
	}
	return changed(e.ObjectID, taken, nil)
}

// externalRemoved removes an external key. That it was added again is not repeated.
func (r *replayer) externalRemoved(ctx context.Context, e ExportedEvent) (string, error) {
	if _, err := r.exec(ctx, `DELETE FROM external_key_role WHERE external_id = `+externalOf, e.AccountID, e.ObjectID); err != nil {
		return "", err
	}
	rows, err := r.exec(ctx, `DELETE FROM external_key WHERE id = `+externalOf, e.AccountID, e.ObjectID)
	return changed(e.ObjectID, rows, err)
}

// settingsChanged sets what the log says was set: of settings, the last word counts whichever way it goes.
func (r *replayer) settingsChanged(ctx context.Context, e ExportedEvent) (string, error) {
	d := r.details(e)
	a, err := scanAccount(r.row(ctx, `SELECT `+accountColumns+` FROM account WHERE id = $1`, e.AccountID))
	if err != nil {
		return "", orNothing(err)
	}
	settings := a.Settings()
	if d.EnforceExpiry != nil {
		settings.EnforceExpiry = d.EnforceExpiry.After
	}
	if d.Zone != nil {
		settings.Zone = d.Zone.After
	}
	if d.Duration != nil {
		duration, ok := parseDurationText(d.Duration.After)
		if !ok {
			r.odd[e.AccountID] = true
			return "", nil
		}
		settings.Duration = duration
	}
	if invalid := keys.CheckSettings(settings); invalid != nil {
		r.odd[e.AccountID] = true
		return "", nil //nolint:nilerr // what cannot be repeated is reviewed
	}
	a = a.With(settings)
	a.SettingsVersion++
	return a.Slug, r.saveSettings(ctx, a)
}

// noPassword is what is kept for a user whom no password lets in: secret.Passwords takes an empty text for
// nobody's.
const noPassword = ""

// passwordChanged takes the old password away: the new one is not in the log.
func (r *replayer) passwordChanged(ctx context.Context, e ExportedEvent) (string, error) {
	rows, err := r.exec(ctx, `
		UPDATE app_user SET password_phc = $3, version = version + 1 WHERE account_id = $1 AND email = $2`, e.AccountID, e.Object, noPassword)
	if err == nil && rows > 0 && !slices.Contains(r.report.Users, e.Object) {
		r.report.Users = append(r.report.Users, e.Object)
	}
	return "", err
}

// orNothing is an error but that of a row which is not there.
func orNothing(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
