package store

import (
	"context"
	"slices"

	"latchkey/keys"
)

// tokenEvent applies an event of the renewal table to a locked key: it ends the tokens that do not
// live on and the link that does not wait on, and records the action about the key, if there is one, and
// what became of each.
func (t *tx) tokenEvent(ctx context.Context, k *keyRow, event keys.RenewalEvent, action keys.Action, details map[string]any) error {
	next, err := k.Renewal().After(event, t.at)
	if err != nil {
		return err
	}
	if action != "" {
		t.record(keyEvent(action, k.Key, details))
	}
	for _, token := range k.Tokens {
		if slices.Contains(next.Tokens, token) {
			continue
		}
		if err := t.endToken(ctx, *k, token, event); err != nil {
			return err
		}
	}
	k.Tokens = next.Tokens
	if k.Link.Waits(t.at) && !next.Link.Waits(t.at) {
		if err := t.voidLinkOfKey(ctx, k, endReasons[event]); err != nil {
			return err
		}
	}
	return t.noteTokens(ctx, k.id)
}

// endToken writes the end of one token. A token that a newer one replaced is retired and names it;
// every other end is a revocation.
func (t *tx) endToken(ctx context.Context, k keyRow, token keys.Token, event keys.RenewalEvent) error {
	action, state, reason := keys.ActionTokenRevoked, "revoked", endReasons[event]
	if event == keys.EventNow || event == keys.EventDeleteOld {
		action, state = keys.ActionTokenRetired, "retired"
	}
	t.record(tokenEvent(action, k.Key, token, map[string]any{"reason": reason}))
	_, err := t.exec(ctx, `
		UPDATE api_token SET state = $2, revoked_at = $3, reason = $4, replaced_by = (
			SELECT newer.id FROM api_token AS newer
			WHERE $5 AND newer.key_id = api_token.key_id AND newer.state = 'live' AND newer.number > api_token.number)
		WHERE number = $1 AND state = 'live'`,
		token.Number, state, t.at.UnixMicro(), reason, state == "retired")
	return err
}

// endReasons say why a token ended.
var endReasons = map[keys.RenewalEvent]string{
	keys.EventNow:       "replaced",
	keys.EventDeleteOld: "replaced",
	keys.EventUndo:      "renewal undone",
	keys.EventDelete:    "key deleted",
	keys.EventDiscard:   "discarded",
}
