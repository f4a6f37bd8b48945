// Package keys says what Latchkey is: accounts, users, API keys, tokens, roles, resources and audit
// events, and the rules between them. It knows no SQL, no HTTP and no clock: every rule is a pure
// function of its arguments, so that the page, the store and the verifier cannot disagree.
package keys
