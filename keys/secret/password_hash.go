package secret

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
)

const (
	hashesRunning = 4
	hashesWaiting = 16
	hashWait      = 2 * time.Second
)

var (
	// ErrBusy says that too many passwords are being hashed. Trying again in a
	// few seconds is safe.
	ErrBusy = errors.New("too many passwords are being checked at the moment")
	// ErrStoredHash says that a stored password hash is malformed or asks for
	// more work than this program is willing to do.
	ErrStoredHash = errors.New("malformed stored password hash")
)

// Passwords hashes and verifies passwords, a few at a time. It is safe for
// concurrent use; a program has one.
type Passwords struct {
	running chan struct{}
	waiting chan struct{}
	ran     atomic.Int64
	derive  func(password, salt []byte, passes, memory uint32, lanes uint8, keyLength uint32) []byte
}

// NewPasswords returns a Passwords that computes at most 4 hashes at a time and
// lets at most 16 callers wait for their turn for at most 2 seconds.
func NewPasswords() *Passwords {
	return &Passwords{
		running: make(chan struct{}, hashesRunning),
		waiting: make(chan struct{}, hashesWaiting),
		derive:  argon2.IDKey,
	}
}

// Hash returns the text to store for a password. It does not apply the rules of
// [CheckPassword]. It returns [ErrBusy] when there is no turn in time and ctx's
// error when ctx ends first; a hash that has begun runs to its end.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, todaySaltLength)
	_, _ = rand.Read(salt) // never fails: the program ends when the system has no randomness
	h := today(salt)
	key, err := p.run(ctx, h, password)
	if err != nil {
		return "", err
	}
	h.key = key
	return h.String(), nil
}

// Verify reports whether password is the one that phc was made from and, if so,
// whether phc is weaker than what [Passwords.Hash] makes today, so that the
// caller should store a new hash now that it has the password.
//
// An empty phc stands for an unknown user: the same work is done and ok is
// false, so that the time of the answer does not tell who exists. A phc that is
// malformed or out of bounds gives [ErrStoredHash] without any work. Other
// errors are those of Hash.
func (p *Passwords) Verify(ctx context.Context, phc, password string) (ok, rehash bool, err error) {
	h := today(make([]byte, todaySaltLength))
	known := phc != ""
	if known {
		if h, err = parseHash(phc); err != nil {
			return false, false, err
		}
	} else {
		h.key = make([]byte, todayKeyLength)
	}
	key, err := p.run(ctx, h, password)
	if err != nil {
		return false, false, err
	}
	same := subtle.ConstantTimeCompare(key, h.key) == 1
	ok = same && known
	return ok, ok && h.weak(), nil
}

// Ran returns how many hashes have been started since NewPasswords.
func (p *Passwords) Ran() int64 { return p.ran.Load() }

func (p *Passwords) run(ctx context.Context, h passwordHash, password string) ([]byte, error) {
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	defer func() { <-p.running }()
	p.ran.Add(1)
	return p.derive([]byte(password), h.salt, h.passes, h.memory, h.lanes, h.keyLength()), nil
}

// enter waits for a place in p.running. A channel hands a freed place to the
// caller that has waited longest, so newcomers cannot push in.
func (p *Passwords) enter(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case p.running <- struct{}{}:
		return nil
	default:
	}
	select {
	case p.waiting <- struct{}{}:
		defer func() { <-p.waiting }()
	default:
		return ErrBusy
	}
	patience := time.NewTimer(hashWait)
	defer patience.Stop()
	select {
	case p.running <- struct{}{}:
		return nil
	case <-patience.C:
		return ErrBusy
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

const (
	todayMemory     = 19456 // KiB
	todayPasses     = 2
	todayLanes      = 1
	todaySaltLength = 16
	todayKeyLength  = 32

	mostMemory = 128 << 10 // KiB
	mostPasses = 16
	mostLanes  = 16
	leastSalt  = 8
	leastKey   = 16
	mostBytes  = 64 // of salt or key
)

// passwordHash is a stored password hash, taken apart. Its key is nil while it
// is being made.
type passwordHash struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

func today(salt []byte) passwordHash {
	return passwordHash{memory: todayMemory, passes: todayPasses, lanes: todayLanes, salt: salt}
}

func (h passwordHash) keyLength() uint32 {
	if h.key == nil {
		return todayKeyLength
	}
	return uint32(len(h.key)) //nolint:gosec // parseHash bounds it to 64
}

// weak looks at each number alone. Lanes do not count: more of them cost an
// attacker nothing.
func (h passwordHash) weak() bool {
	return h.memory < todayMemory || h.passes < todayPasses ||
		len(h.salt) < todaySaltLength || len(h.key) < todayKeyLength
}

func (h passwordHash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.key))
}

// parseHash returns the hash written in phc, or ErrStoredHash, which never
// quotes it.
func parseHash(phc string) (passwordHash, error) {
	// "", "argon2id", "v=19", "m=…,t=…,p=…", salt, key
	fields := strings.Split(phc, "$")
	if len(fields) != 6 {
		return passwordHash{}, ErrStoredHash
	}
	numbers := strings.Split(fields[3], ",")
	if len(numbers) != 3 {
		return passwordHash{}, ErrStoredHash
	}
	memory, errM := number(numbers[0], "m=", mostMemory)
	passes, errT := number(numbers[1], "t=", mostPasses)
	lanes, errP := number(numbers[2], "p=", mostLanes)
	salt, errS := base64.RawStdEncoding.DecodeString(fields[4])
	key, errK := base64.RawStdEncoding.DecodeString(fields[5])
	if errors.Join(errM, errT, errP, errS, errK) != nil {
		return passwordHash{}, ErrStoredHash
	}
	h := passwordHash{memory: memory, passes: passes, lanes: uint8(lanes), salt: salt, key: key} //nolint:gosec // at most 16
	switch {
	case memory < 8*lanes,
		len(salt) < leastSalt, len(salt) > mostBytes,
		// A short key, at worst an empty one, would match almost any password.
		len(key) < leastKey, len(key) > mostBytes,
		// Only one spelling is accepted: this refuses another version or variant,
		// leading zeros, signs, stray characters and loose base 64.
		h.String() != phc:
		return passwordHash{}, ErrStoredHash
	}
	return h, nil
}

func number(field, label string, most uint64) (uint32, error) {
	digits, found := strings.CutPrefix(field, label)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !found || err != nil || n < 1 || n > most {
		return 0, ErrStoredHash
	}
	return uint32(n), nil
}
