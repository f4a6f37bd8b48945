package store

import (
	"context"
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// This file counts attempts to sign in. Every attempt counts as a failure before the password is
// looked at, and a success forgets what it counted itself: guesses that come all at once cannot pass
// before the first of them is counted. What is counted is a scope, and its row is keyed by a digest,
// so that nothing that a person typed is kept. Emails that no user has are counted like the others:
// else the wait would tell which ones exist.

// The kinds of scopes, in the order in which an attempt locks their rows.
const (
	scopeAddress = "address" // one address in one minute
	scopeLink    = "link"    // wrong secrets of links from one address in one minute
	scopeNetwork = "network" // one email from one network
	scopeDevice  = "device"  // one email from one browser that signed in before
	scopeEmail   = "email"   // one email from all unknown browsers
)

type scope struct {
	kind            string
	digest, subject secret.Digest
}

func newScope(kind string, subject secret.Digest, parts ...string) scope {
	return scope{kind: kind, subject: subject, digest: digestOf(append([]string{kind}, parts...)...)}
}

func emailScope(email string) scope { return newScope(scopeEmail, digestOf(email), email) }

// digestOf is the digest of texts, each with its length before it.
func digestOf(texts ...string) secret.Digest {
	var content []byte
	for _, text := range texts {
		content = binary.AppendUvarint(content, uint64(len(text)))
		content = append(content, text...)
	}
	return secret.Sum(content)
}

// scopes are what an attempt counts for besides its address.
func (try LoginTry) scopes(known bool) []scope {
	subject := digestOf(try.Email)
	if known {
		return []scope{newScope(scopeDevice, subject, try.Email, string(try.Device.Bytes()))}
	}
	return []scope{newScope(scopeNetwork, subject, try.Email, keys.LoginNetwork(try.IP)), emailScope(try.Email)}
}

// minuteScope counts one address, or one /64 of IPv6, in the minute of a moment.
func minuteScope(kind, ip string, at time.Time) scope {
	if addr, err := netip.ParseAddr(ip); err == nil {
		addr = addr.Unmap().WithZone("")
		if addr.Is6() {
			addr = netip.PrefixFrom(addr, 64).Masked().Addr()
		}
		ip = addr.String()
	}
	minute := strconv.FormatInt(at.Unix()/60, 10)
	return newScope(kind, secret.Digest{}, ip, minute)
}

// countAddress counts an attempt of an address, or returns TooMany until the minute is over.
func (t *tx) countAddress(ctx context.Context, ip string) error {
	counted, err := t.count(ctx, minuteScope(scopeAddress, ip, t.at))
	if err == nil && counted.failures > keys.LoginsPerAddress {
		return keys.TooMany(keys.ReasonLoginThrottled, untilNextMinute(t.at))
	}
	return err
}

func untilNextMinute(at time.Time) time.Duration {
	return at.Truncate(time.Minute).Add(time.Minute).Sub(at)
}

// countFailure counts an attempt for a scope, or returns TooMany when it comes too early or, for an
// email, when it is locked.
func (t *tx) countFailure(ctx context.Context, sc scope) error {
	counted, err := t.count(ctx, sc)
	if err != nil {
		return err
	}
	before := counted.failures - 1
	if sc.kind == scopeEmail {
		if before >= keys.FailuresUntilLocked {
			return keys.TooMany(keys.ReasonLoginLocked, 0)
		}
		return nil
	}
	if wait := counted.before.Add(keys.LoginWait(before)).Sub(t.at); before > 0 && wait > 0 {
		return keys.TooMany(keys.ReasonLoginThrottled, wait)
	}
	return nil
}

// counted is what a scope holds after an attempt: the failures with it, and the time of the one before.
type counted struct {
	failures int
	before   time.Time
}

func (t *tx) count(ctx context.Context, sc scope) (counted, error) {
	var c counted
	var before int64
	err := t.row(ctx, `
		INSERT INTO login_limit (scope, kind, subject, failures, last_at, before_at, reported)
		VALUES ($1, $2, $3, 1, $4, 0, FALSE)
		ON CONFLICT (scope) DO UPDATE SET
			failures = login_limit.failures + 1, before_at = login_limit.last_at, last_at = excluded.last_at
		RETURNING failures, before_at`,
		sc.digest.Bytes(), sc.kind, sc.subject.Bytes(), t.at.UnixMicro()).Scan(&c.failures, &before)
	c.before = fromMicros(before)
	return c, err
}

// forget removes what scopes have counted.
func (t *tx) forget(ctx context.Context, scopes []scope) error {
	for _, sc := range scopes {
		if _, err := t.exec(ctx, `DELETE FROM login_limit WHERE scope = $1`, sc.digest.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// clearFailures removes everything that was counted for an email.
func (t *tx) clearFailures(ctx context.Context, email string) error {
	_, err := t.exec(ctx, `DELETE FROM login_limit WHERE subject = $1`, digestOf(email).Bytes())
	return err
}
