package keys

import "time"

// ExternalKey is a key of another account of the installation that has roles in this one. Its name, its
// tokens and whether it may come in at all are its owner's business.
type ExternalKey struct {
	// Number is the stable integer of the grant for machines.
	Number int64
	// ID is the public id of the key.
	ID KeyID
	// Owner is the slug of the account that the key belongs to.
	Owner string
	// Roles are what the key may do in this account, in the order of their names.
	Roles []Role
	// AddedAt is when the key was added, and AddedBy the email of the user who did.
	AddedAt time.Time
	AddedBy string
	// Active says whether the key may come in. Only its owner can change that.
	Active bool
	// Version counts the changes of the grant. An edit names the version that it was made from.
	Version int64
}

// CheckExternalKey returns an Invalid error for the fields "key" and "owner" when these cannot be a key
// and the account that it belongs to, or when that account is own: the keys of an account get their roles
// there.
func CheckExternalKey(id KeyID, owner, own string) error {
	return Problems(checkExternalID(id), checkExternalOwner(owner, own))
}

func checkExternalID(id KeyID) error {
	switch {
	case id == "":
		return Problem("key", ReasonExternalKeyEmpty)
	case !keyID.MatchString(string(id)):
		return Problem("key", ReasonExternalKeyFormat)
	}
	return nil
}

func checkExternalOwner(owner, own string) error {
	switch {
	case owner == "":
		return Problem("owner", ReasonExternalOwnerEmpty)
	case !accountSlug.MatchString(owner):
		return Problem("owner", ReasonExternalOwnerFormat)
	case owner == own:
		return Problem("owner", ReasonExternalOwn)
	}
	return nil
}
