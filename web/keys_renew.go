package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/views"
	"latchkey/views/ui"
)

// renewFields is what the form of the first step sends.
type renewFields struct {
	Nonce string `form:"nonce"`
}

// keysRenewForm asks whether a key shall get a second token.
func (s *Server) keysRenewForm(c echo.Context) error {
	key, err := s.keyToChange(c)
	if err != nil {
		return err
	}
	if _, err := key.Renewal().After(keys.EventRenew, s.now()); err != nil {
		return atKey(err, key.ID)
	}
	from := listQuery(c)
	return s.render(c, http.StatusOK, views.KeysRenewPage(views.KeysRenew{
		Shell: s.shell(c, "renew.heading"), URL: pathKeyRenew(key.ID, from), CancelURL: from.at(key.ID),
		BackLabel: from.label(c, key.ID),
		KeyID:     string(key.ID), Name: key.Name, Nonce: secret.NewNonce(), Inactive: !key.Active(),
	}))
}

// keysRenew makes the second token and answers with it, in this answer and never again. The same form
// sent twice leads to the second step without the token.
func (s *Server) keysRenew(c echo.Context) error {
	id, err := keyParam(c)
	if err != nil {
		return err
	}
	var in renewFields
	if err := bind(c, &in); err != nil {
		return err
	}
	made, err := s.store.RenewKey(c.Request().Context(), actor(c), id, in.Nonce)
	switch {
	case err != nil:
		return atKey(err, id)
	case !made.Repeated:
		return s.renderRenewed(c, http.StatusOK, made.Key, made.Token, nil)
	case renewalOpen(made.Key, made.Renewal):
		return s.redirect(c, pathKeyRenewal(id, made.Renewal, listQuery(c)))
	default:
		return s.answerShown(c, id)
	}
}

// renderRenewed shows the second step, with the new token when it was just made.
func (s *Server) renderRenewed(c echo.Context, status int, key keys.Key, token secret.Value, problems []ui.Problem) error {
	shell := s.bareShell(c, t(c, "renewed.heading"))
	shell.Failed = len(problems) > 0
	view := views.KeysRenewed{
		Shell: shell, URL: pathKeyRenewal(key.ID, key.Tokens[0].Number, listQuery(c)), KeyURL: pathKeyShow(key.ID),
		KeyID: string(key.ID), Name: key.Name, Problems: problems,
	}
	if !token.IsZero() {
		view.Token, view.Check = token.Reveal(), s.verifyCall(c, key.ID).check()
	}
	if usage, err := s.usageOf(c, key.ID); err == nil {
		view.OldUsed = s.sayRecentUse(c, "renewed.old-used", usage.Tokens[key.Tokens[1].Number])
	} else {
		// The token is in this answer and in no other, so nothing may keep the answer from going out.
		s.log.Error("usage could not be read", "id", requestID(c), "error", err)
	}
	return s.render(c, status, views.KeysRenewedPage(view))
}

// renewalOpen says whether a renewal, named by the number of its new token, still waits for its end.
func renewalOpen(key keys.Key, renewal int64) bool {
	return key.Renewing() && key.Tokens[0].Number == renewal
}

// atKey leads from a refusal that comes from the key's state to the key's page, which says what it is.
func atKey(err error, id keys.KeyID) error {
	if keys.KindOf(err) != keys.KindConflict {
		return err
	}
	return retryAt(err, pathKeyShow(id), "error.back.key")
}
