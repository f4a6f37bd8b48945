package store

import (
	"context"
	"time"

	"latchkey/keys"
)

// scopeLink counts the wrong secrets of links that one address presents in one minute.
const scopeLink = "link"

// countWrongAddress counts a wrong secret of an address, or returns TooMany until the minute is over.
func (t *tx) countWrongAddress(ctx context.Context, ip string) error {
	counted, err := t.count(ctx, minuteScope(scopeLink, ip, t.at))
	if err == nil && counted.failures > keys.WrongSecretsPerAddress {
		return keys.TooMany(keys.ReasonLinkThrottled, t.at.Truncate(time.Minute).Add(time.Minute).Sub(t.at))
	}
	return err
}
