package keys

import "time"

// Token is what is known of an API token once it was shown: everything but the secret itself.
type Token struct {
	// Number is the token's stable integer for machines.
	Number int64
	// Hint is the last four characters of the secret, to tell tokens apart.
	Hint string
	// CreatedAt is when the token was minted. Its validity counts from here.
	CreatedAt time.Time
}

// TokenState says what became of a token.
type TokenState string

// The states of a token. Only live tokens verify; a state that is not live is never left again.
const (
	TokenLive    TokenState = "live"
	TokenRetired TokenState = "retired"
	TokenRevoked TokenState = "revoked"
)
