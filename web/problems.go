package web

import (
	"errors"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/views/ui"
)

// problemsOf puts what is wrong with a form in words, or returns nil when err is not about the form.
func problemsOf(c echo.Context, err error) []ui.Problem {
	e, ok := errors.AsType[*keys.Error](err)
	if !ok || e.Kind != keys.KindInvalid {
		return nil
	}
	problems := make([]ui.Problem, 0, len(e.Problems))
	for _, p := range e.Problems {
		problems = append(problems, ui.Problem{Field: p.Field, Text: t(c, "problem."+string(p.Reason))})
	}
	return problems
}

// The reasons why a password is refused.
const (
	reasonPasswordShort   keys.Reason = "password-short"
	reasonPasswordLong    keys.Reason = "password-long"
	reasonPasswordCommon  keys.Reason = "password-common"
	reasonPasswordSame    keys.Reason = "password-same"
	reasonPasswordWrong   keys.Reason = "password-wrong"
	reasonPasswordRepeat  keys.Reason = "password-repeat"
	reasonPasswordMissing keys.Reason = "password-missing"
)

// checkPassword returns what is wrong with a new password. It must not be made of what is known
// about its user.
func checkPassword(password string, about ...string) error {
	switch err := secret.CheckPassword(password, about...); {
	case err == nil:
		return nil
	case errors.Is(err, secret.ErrPasswordShort):
		return keys.Problem("password", reasonPasswordShort)
	case errors.Is(err, secret.ErrPasswordLong):
		return keys.Problem("password", reasonPasswordLong)
	default:
		return keys.Problem("password", reasonPasswordCommon)
	}
}
