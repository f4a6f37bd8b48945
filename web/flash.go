package web

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys/secret"
	"latchkey/views/ui"
)

// The tones of a flash.
const (
	toneSuccess = "success"
	toneInfo    = "info"
	toneWarning = "warning"
)

// leaveFlash keeps a flash in the session for the next page. A flash that cannot be kept is only a
// line less to read: the change that it speaks of is done.
func (s *Server) leaveFlash(ctx context.Context, session secret.Digest, flash ui.Flash) {
	text, err := json.Marshal(flash)
	if err == nil {
		err = s.store.SetFlash(ctx, session, string(text))
	}
	if err != nil {
		s.log.Error("flash lost", "error", err)
	}
}

// flashRedirect leads to a page that opens with a flash.
func (s *Server) flashRedirect(c echo.Context, path string, flash ui.Flash) error {
	s.leaveFlash(c.Request().Context(), currentViewer(c).session, flash)
	return s.redirectEither(c, path)
}

// takeFlash returns the flash that waits for this session, once.
func (s *Server) takeFlash(c echo.Context) *ui.Flash {
	v := currentViewer(c)
	if !v.flash || c.Request().Method == http.MethodHead {
		return nil
	}
	text, err := s.store.TakeFlash(c.Request().Context(), v.session)
	if err != nil {
		s.log.Error("flash lost", "error", err)
		return nil
	}
	if text == "" {
		return nil
	}
	flash := &ui.Flash{}
	if err := json.Unmarshal([]byte(text), flash); err != nil {
		s.log.Error("flash unreadable", "error", err)
		return nil
	}
	return flash
}
