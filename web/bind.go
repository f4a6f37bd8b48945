package web

import (
	"errors"
	"mime"
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
)

// bind reads a form into a struct with `form` tags. It answers 413, 415 or 400 to what no form of
// ours sends. FormValue would hide all of these behind an empty value.
func bind(c echo.Context, into any) error {
	r := c.Request()
	if r.ContentLength != 0 {
		media, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
		if err != nil || media != echo.MIMEApplicationForm {
			return echo.NewHTTPError(http.StatusUnsupportedMediaType)
		}
	}
	if err := c.Bind(into); err != nil {
		if errors.Is(err, echo.ErrStatusRequestEntityTooLarge) {
			return echo.ErrStatusRequestEntityTooLarge
		}
		return malformed(err)
	}
	for _, values := range r.PostForm {
		for _, value := range values {
			if !keys.IsText(value) {
				return malformed(nil)
			}
		}
	}
	return nil
}

func malformed(cause error) error {
	return &keys.Error{Kind: keys.KindMalformed, Reason: reasonForm, Cause: cause}
}
