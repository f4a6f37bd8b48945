package keys

import "time"

// Token is what is known of an API token once it was shown: everything but the secret itself.
type Token struct {
	// Number is the token's stable integer for machines. A token that was minted later has a greater
	// one, whatever the clock said meanwhile.
	Number int64
	// Hint is the last four characters of the secret, to tell tokens apart.
	Hint string
	// CreatedAt is when the token was minted. Its validity counts from here.
	CreatedAt time.Time
}
