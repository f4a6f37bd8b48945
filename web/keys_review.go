package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// reviewShown is how many of the keys that wait for a review are listed.
const reviewShown = 200

// reasonNotLooked is what is wrong with a confirmation whose box is not checked.
const reasonNotLooked keys.Reason = "not-looked"

// keysReviewForm lists the active keys of an account that was restored from a backup.
func (s *Server) keysReviewForm(c echo.Context) error {
	return s.renderKeysReview(c, http.StatusOK, nil)
}

// keysReview confirms the active keys, so that they may come in again.
func (s *Server) keysReview(c echo.Context) error {
	var in struct {
		Since  int64  `form:"since"`
		Looked string `form:"looked"`
	}
	if err := bind(c, &in); err != nil {
		return err
	}
	if in.Looked == "" && currentViewer(c).account.UnderReview() {
		return s.renderKeysReview(c, http.StatusUnprocessableEntity, problemsOf(c, keys.Problem("looked", reasonNotLooked)))
	}
	confirmed, err := s.store.ConfirmReview(c.Request().Context(), actor(c), time.UnixMicro(in.Since).UTC())
	if err != nil {
		return retryAt(err, pathKeysReview(), "error.back.retry")
	}
	return s.flashRedirect(c, pathKeys(), ui.Flash{Tone: toneSuccess, Text: n(c, "flash.review-confirmed", confirmed)})
}

func (s *Server) renderKeysReview(c echo.Context, status int, problems []ui.Problem) error {
	account := currentViewer(c).account
	shell := s.shell(c, "review.heading")
	shell.Failed, shell.Review = len(problems) > 0, "" // the page says it
	view := views.KeysReview{Shell: shell, URL: pathKeysReview(), BackURL: pathKeys(), Problems: problems}
	if !account.UnderReview() {
		return s.render(c, status, views.KeysReviewPage(view))
	}
	found, err := s.store.ReviewKeys(c.Request().Context(), actor(c), reviewShown)
	if err != nil {
		return err
	}
	view.Since = timeOf(c, account.ReviewSince, currentViewer(c).zone())
	view.Version = strconv.FormatInt(account.ReviewSince.UnixMicro(), 10)
	view.Count, view.More = found.Count, found.Count-len(found.Keys)
	for _, key := range found.Keys {
		view.Keys = append(view.Keys, reviewKey(c, key))
	}
	return s.render(c, status, views.KeysReviewPage(view))
}

func reviewKey(c echo.Context, key store.ReviewKey) views.ReviewKey {
	shown := views.ReviewKey{
		ID: string(key.ID), Name: key.Name, URL: pathKeyShow(key.ID), DeactivateURL: pathKeyDeactivate(key.ID, ""),
		DeactivateLabel: t(c, "review.deactivate", words.Args{"Name": key.Name}),
		Created:         timeOf(c, key.CreatedAt, currentViewer(c).zone()),
	}
	for _, role := range key.Roles {
		shown.Roles = append(shown.Roles, roleName(c, role))
	}
	if !key.LastUse.Never() {
		shown.Used = timeOf(c, key.LastUse.At, currentViewer(c).zone())
	}
	return shown
}
