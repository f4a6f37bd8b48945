package keys

import (
	"regexp"
	"time"
)

// Account is a tenant of the installation. Nothing crosses accounts.
type Account struct {
	// ID is the account's internal id, a UUIDv7.
	ID string
	// Number is the account's stable integer for machines.
	Number int64
	// Slug appears in every key of the account. It never changes.
	Slug string
	// Zone is the IANA name of the time zone in which the account's days begin and end.
	Zone string
	// Duration is how long a token of this account is valid.
	Duration Duration
	// EnforceExpiry says that a token past its duration is refused, not only marked.
	EnforceExpiry bool
	// SettingsVersion counts the changes of Duration, EnforceExpiry and Zone. A settings form names the
	// version that it was made from.
	SettingsVersion int64
	// KeyCount is the number of keys that are not deleted.
	KeyCount int
	// CreatedAt is when the account was made.
	CreatedAt time.Time
	// ReviewSince is when a backup was restored that does not know what was revoked after it. Until an
	// admin has confirmed the account's keys, none of them may come in. It is zero in the usual case.
	ReviewSince time.Time
}

// UnderReview says that the account's keys wait for an admin's confirmation.
func (a Account) UnderReview() bool { return !a.ReviewSince.IsZero() }

// Location returns the account's time zone, or UTC when its name is not in the zone database.
func (a Account) Location() *time.Location {
	loc, err := time.LoadLocation(a.Zone)
	if err != nil {
		return time.UTC
	}
	return loc
}

var accountSlug = regexp.MustCompile(`^[a-z0-9]{3,20}$`)

// CheckAccountSlug returns an Invalid error for the field "account" when slug is not 3 to 20
// lower-case letters or digits.
func CheckAccountSlug(slug string) error {
	if slug == "" {
		return Problem("account", ReasonAccountEmpty)
	}
	if !accountSlug.MatchString(slug) {
		return Problem("account", ReasonAccountSlug)
	}
	return nil
}

// CheckZone returns an Invalid error for the field "zone" when name is not an IANA time zone.
// "Local" and the empty name are refused: they mean another zone on another machine.
func CheckZone(name string) error {
	if name == "" || name == "Local" {
		return Problem("zone", ReasonZoneUnknown)
	}
	if _, err := time.LoadLocation(name); err != nil {
		return Problem("zone", ReasonZoneUnknown)
	}
	return nil
}
