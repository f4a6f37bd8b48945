package main

import (
	"errors"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// sentences are the refusals that a command can meet, as its user reads them. Each says what is
// wrong and what to do; inWords adds that nothing was changed.
var sentences = map[keys.Reason]string{
	keys.ReasonAccountEmpty:    "--account is missing: give the account a short name, such as acme",
	keys.ReasonAccountSlug:     "--account must be 3 to 20 lower-case letters or digits, such as acme",
	keys.ReasonAccountTaken:    "an account of that name exists already: choose another with --account, see latchkey account list",
	keys.ReasonZoneUnknown:     "--zone is not a time zone: use a name such as Europe/Lisbon or UTC",
	keys.ReasonEmailEmpty:      "--email is missing: give the address of the account's owner",
	keys.ReasonEmailMalformed:  "--email is not an email address such as ana@acme.example",
	keys.ReasonEmailTaken:      "another user has that email already: choose another with --email, see latchkey user list",
	keys.ReasonUserNotFound:    "there is no user with that email: see latchkey user list",
	keys.ReasonNotSaved:        "the database could not save it: see that the data folder has space and is writable, then try again",
	keys.ReasonReviewEnded:     "the keys of that account do not wait for a review",
	keys.ReasonAccountNotFound: "there is no such account: see latchkey account list",
}

// usageError is what is wrong with a command line, where only the command itself can see that.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// misused makes an error one of the command line, so that the program ends with exitUsage.
func misused(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// inWords is the one line in which a command says what went wrong.
func inWords(err error) string {
	switch {
	case errors.Is(err, secret.ErrPasswordShort):
		return "the password has fewer than 15 characters. Nothing was changed; use a longer one"
	case errors.Is(err, secret.ErrPasswordLong):
		return "the password has more than 256 characters. Nothing was changed; use a shorter one"
	case errors.Is(err, secret.ErrPasswordCommon):
		return "the password is too easy to guess: it is made of common words, a run or the account's own names. Nothing was changed; use several unrelated words"
	}
	refusal, ok := errors.AsType[*keys.Error](err)
	if !ok {
		return err.Error()
	}
	if refusal.Kind == keys.KindUnknown {
		return "the database did not confirm the change, so it may or may not have been saved. Look with latchkey user list or latchkey account list before you try again"
	}
	reason := refusal.Reason
	if len(refusal.Problems) > 0 {
		reason = refusal.Problems[0].Reason
	}
	sentence, ok := sentences[reason]
	if !ok {
		sentence = refusal.Error()
	}
	if refusal.Cause != nil {
		sentence += " (" + refusal.Cause.Error() + ")"
	}
	return sentence + ". Nothing was changed"
}
