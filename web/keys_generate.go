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
	// Handover is byLink, or anything else for the token itself.
	Handover string `form:"handover"`
}

// keysGenerateForm shows the form for a new key.
func (s *Server) keysGenerateForm(c echo.Context) error {
	return s.renderGenerate(c, http.StatusOK, generateFields{Nonce: secret.NewNonce()}, nil)
}

// keysGenerate makes a key and answers with its token or its link, in this answer and never again: a
// redirect would need the secret to be kept somewhere meanwhile.
func (s *Server) keysGenerate(c echo.Context) error {
	var in generateFields
	if err := bind(c, &in); err != nil {
		return err
	}
	if !secret.ValidNonce(in.Nonce) {
		return malformed()
	}
	made, err := s.store.GenerateKey(c.Request().Context(), actor(c), store.NewKey{
		Name: in.Name, Roles: in.Roles, Nonce: in.Nonce, ByLink: in.Handover == byLink,
	})
	if problems := problemsOf(c, err); problems != nil {
		return s.renderGenerate(c, http.StatusUnprocessableEntity, in, problems)
	}
	if err != nil {
		return err
	}
	if made.Repeated {
		return s.answerShown(c, made.Key)
	}
	view := views.KeysGenerated{
		Shell: s.bareShell(c, t(c, "generated.heading")), Name: made.Key.Name, KeyID: string(made.Key.ID), CloseURL: pathKeys(),
		NameTwin: made.NameTwin, NoRole: len(made.Key.Roles) == 0,
	}
	if made.Token.IsZero() {
		view.Link = s.linkOnce(c, made.Key.Link, made.LinkSecret)
	} else {
		view.Token, view.Check = made.Token.Reveal(), s.verifyCall(currentViewer(c).account.Slug, made.Key.ID).check()
	}
	return s.render(c, http.StatusOK, views.KeysGeneratedPage(view))
}

// answerShown answers a form that has shown its secret before: the key's page says what is true now.
func (s *Server) answerShown(c echo.Context, key keys.Key) error {
	if key.ID == "" {
		return s.flashRedirect(c, pathKeys(), ui.Flash{Tone: toneInfo, Text: t(c, "flash.token-shown-deleted")})
	}
	flash := ui.Flash{Tone: toneInfo, Text: t(c, "flash.token-shown-once")}
	if key.Link.Waits(s.now()) {
		flash.Text = t(c, "flash.link-shown-once")
		if actor(c).May(keys.RenewAPIToken) {
			flash.Action = &ui.Action{Label: t(c, "flash.discard-link"), URL: pathKeyDiscard(key.ID, fromKey)}
		}
	}
	return s.flashRedirect(c, pathKeyShow(key.ID), flash)
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
		Shell: shell, URL: pathKeysGenerate(), CancelURL: pathKeys(), Nonce: in.Nonce, Name: in.Name, NameTwin: twin, Handover: in.Handover,
		DurationLine: sayDuration(c, currentViewer(c).account), Roles: roleChoices(actor(c), sayRoles(c, roles), in.Roles), Problems: problems,
	}))
}
