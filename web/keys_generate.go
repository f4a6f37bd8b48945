package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
)

// generateFields is what the Generate form sends.
type generateFields struct {
	Name  string   `form:"name"`
	Roles []string `form:"roles"`
	Nonce string   `form:"nonce"`
}

// keysGenerateForm shows the form for a new key.
func (s *Server) keysGenerateForm(c echo.Context) error {
	return s.renderGenerate(c, http.StatusOK, generateFields{Nonce: secret.NewNonce()}, nil)
}

// keysGenerate makes a key and answers with its token, in this answer and never again: a redirect
// would need the token to be kept somewhere meanwhile.
func (s *Server) keysGenerate(c echo.Context) error {
	var in generateFields
	if err := bind(c, &in); err != nil {
		return err
	}
	if !secret.ValidNonce(in.Nonce) {
		return malformed()
	}
	made, err := s.store.GenerateKey(c.Request().Context(), actor(c), store.NewKey{Name: in.Name, Roles: in.Roles, Nonce: in.Nonce})
	if problems := problemsOf(c, err); problems != nil {
		return s.renderGenerate(c, http.StatusUnprocessableEntity, in, problems)
	}
	if err != nil {
		return err
	}
	if made.Repeated {
		return s.answerShown(c, made.Key.ID)
	}
	return s.render(c, http.StatusOK, views.KeysGeneratedPage(views.KeysGenerated{
		Shell: s.bareShell(c, t(c, "generated.heading")), Name: made.Key.Name, KeyID: string(made.Key.ID), Token: made.Token.Reveal(),
		Check: s.verifyCall(c, made.Key.ID).check(), CloseURL: pathKeys(), NameTwin: made.NameTwin, NoRole: len(made.Key.Roles) == 0,
	}))
}

// answerShown answers a form that has shown its token before: the key's page says what is true now.
func (s *Server) answerShown(c echo.Context, id keys.KeyID) error {
	if id == "" {
		return s.flashRedirect(c, pathKeys(), ui.Flash{Tone: toneInfo, Text: t(c, "flash.token-shown-deleted")})
	}
	return s.flashRedirect(c, pathKeyShow(id), ui.Flash{Tone: toneInfo, Text: t(c, "flash.token-shown-once")})
}

func (s *Server) renderGenerate(c echo.Context, status int, in generateFields, problems []ui.Problem) error {
	roles, err := s.store.Roles(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	twin := false
	if len(problems) > 0 && keys.CheckName(keys.NormalName(in.Name)) == nil {
		if twin, err = s.store.NameTaken(c.Request().Context(), actor(c), in.Name); err != nil {
			return err
		}
	}
	shell := s.shell(c, "generate.heading")
	shell.Failed = len(problems) > 0
	return s.render(c, status, views.KeysGeneratePage(views.KeysGenerate{
		Shell: shell, URL: pathKeysGenerate(), CancelURL: pathKeys(), Nonce: in.Nonce, Name: in.Name, NameTwin: twin,
		DurationLine: sayDuration(c, currentViewer(c).account), Roles: roleChoices(c, actor(c), roles, in.Roles), Problems: problems,
	}))
}
