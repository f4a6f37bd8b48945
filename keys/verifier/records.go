package verifier

import (
	"time"

	"latchkey/keys"
)

type keyRecord struct{}

func (k *keyRecord) id(a *account) keys.KeyID { return "" }

type tokenRecord struct{ created uint32 }

type account struct {
	slug     string
	settings keys.Settings
	zone     *time.Location
}

type roleSet struct{ slugs, resources []string }
