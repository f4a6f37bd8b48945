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

// renewFields is what the form of the first step sends.
type renewFields struct {
	Nonce string `form:"nonce"`
	// Handover is byLink, or anything else for the token itself.
	Handover string `form:"handover"`
}

// keysRenewForm asks whether a key shall get a further token.
func (s *Server) keysRenewForm(c echo.Context) error {
	key, err := s.keyToChange(c)
	if err != nil {
		return err
	}
	_, err = key.Renewal().After(keys.EventRenew, s.now())
	if keys.ReasonOf(err) == keys.ReasonLinkWaits {
		return s.renderRenewBlocked(c, http.StatusOK, key)
	}
	if err != nil {
		return atKey(err, key.ID)
	}
	from := listQuery(c)
	return s.render(c, http.StatusOK, views.KeysRenewPage(views.KeysRenew{
		Shell: s.shell(c, "renew.heading"), URL: pathKeyRenew(key.ID, from), CancelURL: from.at(key.ID),
		BackLabel: from.label(c, key.ID),
		KeyID:     string(key.ID), Name: key.Name, Nonce: secret.NewNonce(), Inactive: !key.Active(), NoToken: len(key.Tokens) == 0,
	}))
}

// keysRenew makes the new token or its link and answers with it, in this answer and never again. The same
// form sent twice leads to the second step without the secret.
func (s *Server) keysRenew(c echo.Context) error {
	id, err := keyParam(c)
	if err != nil {
		return err
	}
	var in renewFields
	if err := bind(c, &in); err != nil {
		return err
	}
	renew := s.store.RenewKey
	if in.Handover == byLink {
		renew = s.store.RenewKeyByLink
	}
	made, err := renew(c.Request().Context(), actor(c), id, in.Nonce)
	switch {
	case keys.ReasonOf(err) == keys.ReasonLinkWaits:
		return s.renewBlocked(c, id)
	case err != nil:
		return atKey(err, id)
	case !made.Repeated:
		return s.renderRenewed(c, http.StatusOK, made, nil)
	case s.renewalOpen(made.Key, made.Renewal):
		return s.redirect(c, pathKeyRenewal(id, made.Renewal, listQuery(c)))
	default:
		return s.answerShown(c, made.Key)
	}
}

// renderRenewed shows the second step, with the new token or its link when it was just made.
func (s *Server) renderRenewed(c echo.Context, status int, made store.Renewed, problems []ui.Problem) error {
	key := made.Key
	view := views.KeysRenewed{
		URL: pathKeyRenewal(key.ID, made.Renewal, listQuery(c)), KeyURL: pathKeyShow(key.ID), CloseURL: listQuery(c).at(key.ID),
		KeyID: string(key.ID), Name: key.Name, Alone: !s.renewalOpen(key, made.Renewal), ByLink: key.Link.Waits(s.now()), Problems: problems,
	}
	heading := "renewed.heading"
	if view.ByLink {
		heading, view.DiscardURL = "renewed.link-heading", pathKeyDiscard(key.ID, listQuery(c))
	}
	view.Shell = s.bareShell(c, t(c, heading))
	view.Failed = len(problems) > 0
	switch {
	case !made.Token.IsZero():
		view.Token, view.Check = made.Token.Reveal(), s.verifyCall(currentViewer(c).account.Slug, key.ID).check()
	case !made.LinkSecret.IsZero():
		view.Link = s.linkOnce(c, key.Link, made.LinkSecret)
	}
	if !view.Alone {
		view.OldUsed = s.oldTokenUsed(c, key)
	}
	return s.render(c, status, views.KeysRenewedPage(view))
}

// oldTokenUsed says that the token that a renewal is about to replace was used not long ago.
func (s *Server) oldTokenUsed(c echo.Context, key keys.Key) views.Sentence {
	usage, err := s.usageOf(c, key.ID)
	if err != nil {
		// The secret is in this answer and in no other, so nothing may keep the answer from going out.
		s.log.Error("usage could not be read", "id", requestID(c), "error", err)
		return views.Sentence{}
	}
	old := key.Tokens[len(key.Tokens)-1]
	return s.sayRecentUse(c, "renewed.old-used", usage.Tokens[old.Number])
}

// renewalOpen says whether a renewal, named by the number of its new token, still waits for its end.
func (s *Server) renewalOpen(key keys.Key, renewal int64) bool {
	number, open := key.OpenRenewal(s.now())
	return open && number == renewal
}

// renewBlocked answers a form that would renew a key whose link waits.
func (s *Server) renewBlocked(c echo.Context, id keys.KeyID) error {
	key, err := s.store.Key(c.Request().Context(), actor(c), id)
	if err != nil {
		return err
	}
	return s.renderRenewBlocked(c, http.StatusConflict, key)
}

// renderRenewBlocked says that the key's link must be opened, discarded or undone first.
func (s *Server) renderRenewBlocked(c echo.Context, status int, key keys.Key) error {
	from := listQuery(c)
	view := views.KeysRenewBlocked{
		Shell: s.shell(c, "blocked.heading"), Name: key.Name, KeyID: string(key.ID), BackURL: from.at(key.ID), BackLabel: from.label(c, key.ID),
		DiscardURL: pathKeyDiscard(key.ID, from), Pending: key.Pending(s.now()), Expires: momentOf(c, key.Link.ExpiresAt),
	}
	view.Failed = status != http.StatusOK
	if view.Pending {
		view.UndoURL = pathKeyUndo(key.ID, from)
	}
	return s.render(c, status, views.KeysRenewBlockedPage(view))
}

// atKey leads from a refusal that comes from the key's state to the key's page, which says what it is.
func atKey(err error, id keys.KeyID) error {
	if keys.KindOf(err) != keys.KindConflict {
		return err
	}
	return retryAt(err, pathKeyShow(id), "error.back.key")
}
