package web

import (
	"errors"
	"mime"
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
)

// bind reads the body of a form into a struct with `form` tags. It answers 413, 415 or 400 to what no
// form of ours sends; FormValue would hide all of these behind an empty value. Echo binds what stands
// in the address too, where a password would end in the logs of proxies, so only the list that an
// action leads back to may stand there.
func bind(c echo.Context, into any) error {
	r := c.Request()
	for name := range r.URL.Query() {
		if name != "list" {
			return malformed()
		}
	}
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
		return malformed()
	}
	for _, values := range r.PostForm {
		for _, value := range values {
			if !keys.IsText(value) {
				return malformed()
			}
		}
	}
	return nil
}

// malformed is without the cause: that would repeat in the log what was typed.
func malformed() error { return keys.Malformed(reasonForm) }
