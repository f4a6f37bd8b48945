package store

import (
	"context"

	"latchkey/keys"
)

// countWrongSecret counts a wrong secret of a link that an address presented, or returns TooMany until the
// minute is over. Whether there is such a link makes no difference.
func (t *tx) countWrongSecret(ctx context.Context, ip string) error {
	counted, err := t.count(ctx, addressScope(scopeLink, ip, t.at))
	if err == nil && counted.failures > keys.WrongSecretsPerAddress {
		return keys.TooMany(keys.ReasonLinkThrottled, untilNextMinute(t.at))
	}
	return err
}
