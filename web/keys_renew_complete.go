package web

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views/ui"
)

// completeFields is what the form of the second step sends.
type completeFields struct {
	// Old is "later" or "now".
	Old string `form:"old"`
}

// keysRenewCompleteForm shows the second step without the token.
func (s *Server) keysRenewCompleteForm(c echo.Context) error {
	key, renewal, err := s.renewalOfPath(c)
	if err != nil {
		return err
	}
	return s.renderRenewed(c, http.StatusOK, store.Renewed{Key: key, Renewal: renewal}, nil)
}

// keysRenewComplete keeps the old token or ends it.
func (s *Server) keysRenewComplete(c echo.Context) error {
	var in completeFields
	if err := bind(c, &in); err != nil {
		return err
	}
	key, renewal, err := s.renewalOfPath(c)
	if err != nil {
		return err
	}
	if in.Old != "later" && in.Old != "now" {
		problems := problemsOf(c, keys.Problem("old", keys.ReasonOldTokenChoice))
		return s.renderRenewed(c, http.StatusUnprocessableEntity, store.Renewed{Key: key, Renewal: renewal}, problems)
	}
	_, err = s.store.CompleteRenewal(c.Request().Context(), actor(c), key.ID, renewal, in.Old == "later")
	if err != nil {
		return atKey(err, key.ID)
	}
	return s.flashRedirect(c, listQuery(c).at(key.ID), ui.Flash{Tone: toneSuccess, Text: t(c, "flash.renewed-"+in.Old)})
}

// renewalOfPath is the key of the path and the number of its open renewal, which the path names too.
func (s *Server) renewalOfPath(c echo.Context) (keys.Key, int64, error) {
	renewal, err := strconv.ParseInt(c.Param("rid"), 10, 64)
	if err != nil || strconv.FormatInt(renewal, 10) != c.Param("rid") {
		return keys.Key{}, 0, echo.ErrNotFound
	}
	key, err := s.keyOfPath(c)
	if err != nil {
		return keys.Key{}, 0, err
	}
	if !s.renewalOpen(key, renewal) {
		return keys.Key{}, 0, atKey(keys.Conflict(keys.ReasonRenewalOver), key.ID)
	}
	return key, renewal, nil
}
