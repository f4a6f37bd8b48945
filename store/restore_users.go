package store

import (
	"context"
	"slices"

	"latchkey/keys"
)

// This file does again what was done to users after a backup, as far as it took access away.

func (r *replayer) userDeactivated(ctx context.Context, e ExportedEvent) (string, error) {
	rows, err := r.exec(ctx, `
		UPDATE app_user SET status = 'inactive', version = version + 1 WHERE account_id = $1 AND email = $2 AND status = 'active'`,
		e.AccountID, e.Object)
	return changed(e.Object, rows, err)
}

// userActivated lets a user in again whom this replay has kept out.
func (r *replayer) userActivated(ctx context.Context, e ExportedEvent) (string, error) {
	undone := func(done Replayed) bool {
		return done.Action == keys.ActionUserDeactivated && done.Object == e.Object
	}
	if !slices.ContainsFunc(r.report.Applied, undone) {
		return "", nil
	}
	r.report.Applied = slices.DeleteFunc(r.report.Applied, undone)
	_, err := r.exec(ctx, `
		UPDATE app_user SET status = 'active', version = version + 1 WHERE account_id = $1 AND email = $2`, e.AccountID, e.Object)
	return "", err
}

// userEdited takes roles away. Those that were given are not.
func (r *replayer) userEdited(ctx context.Context, e ExportedEvent) (string, error) {
	d := r.details(e)
	var taken int64
	for _, slug := range d.Roles.Before {
		if slices.Contains(d.Roles.After, slug) {
			continue
		}
		rows, err := r.exec(ctx, `
			DELETE FROM user_role
			WHERE user_id = (SELECT id FROM app_user WHERE account_id = $1 AND email = $2)
				AND role_id = (SELECT id FROM role WHERE account_id = $1 AND slug = $3)`, e.AccountID, e.Object, slug)
		if err != nil {
			return "", err
		}
		taken += rows
	}
	if taken == 0 {
		return "", nil
	}
	_, err := r.exec(ctx, `UPDATE app_user SET edit_version = edit_version + 1 WHERE account_id = $1 AND email = $2`, e.AccountID, e.Object)
	return e.Object, err
}
