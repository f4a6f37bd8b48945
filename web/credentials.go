package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/words"
)

// credentialFields is what the page of a single-access link sends.
type credentialFields struct {
	Secret string `form:"secret"`
}

// credentialForm shows the page of a link. It is the same for every link that there ever was, whatever became
// of it, and shows nothing of it: previews in chats and mail scanners ask for it, too, and as often as they
// like.
func (s *Server) credentialForm(c echo.Context) error {
	hideFromRobots(c)
	if err := s.store.KeyLinkExists(c.Request().Context(), c.Param("lid")); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.CredentialPage(views.Credential{
		Shell: s.linkShell(c, t(c, "credential.heading")), URL: pathCredential(c.Param("lid")), Host: s.public.Host,
	}))
}

// credential opens a link and answers with its token, in this answer and never again.
func (s *Server) credential(c echo.Context) error {
	hideFromRobots(c)
	var in credentialFields
	if err := bind(c, &in); err != nil {
		return err
	}
	// What cannot be a secret is presented as one that nobody has, so that it is counted like any wrong one.
	digest, err := secret.ParseDigest(secret.KindLink, strings.TrimPrefix(strings.TrimSpace(in.Secret), "#"))
	if err != nil {
		digest = secret.Digest{}
	}
	opened, err := s.store.OpenKeyLink(c.Request().Context(), stranger(c), c.Param("lid"), digest)
	switch kind := keys.KindOf(err); {
	case err == nil:
		return s.render(c, http.StatusOK, views.CredentialOpenedPage(views.CredentialOpened{
			Shell: s.linkShell(c, t(c, "credential.opened")), Name: opened.Key.Name, Account: opened.Account, KeyID: string(opened.Key.ID),
			Token: opened.Token.Reveal(), Check: s.verifyCall(opened.Account, opened.Key.ID).check(),
		}))
	case kind == keys.KindGone, keys.ReasonOf(err) == keys.ReasonLinkKeyInactive:
		return s.answerLinkOver(c, opened, err)
	case kind == keys.KindNotFound:
		s.refuse(c, stranger(c), keys.ActionLinkWrongSecret, string(keys.ReasonOf(err)))
	}
	return err
}

// answerLinkOver tells whoever has the right link what became of it, and its sender that somebody still has it.
func (s *Server) answerLinkOver(c echo.Context, opened store.OpenedLink, err error) error {
	status, refusal := refusalOf(err)
	id := "error." + string(refusal.Reason)
	shell := s.linkShell(c, t(c, id+".heading"))
	shell.Failed = true
	view := views.CredentialOver{Shell: shell, Heading: t(c, id+".heading")}
	if errors.Is(err, refusal) && refusal.Kind == keys.KindGone {
		view.Text = sayTimes(c, id+".text", words.Args{"At": momentOf(c, refusal.At)})
		s.refusals.add(keys.Refusal{
			Action: keys.ActionLinkReopened, AccountID: opened.AccountID, Key: opened.Key.ID, IP: c.RealIP(), Detail: c.Param("lid"),
			Route: c.Request().Method + " " + c.Path(), Reason: string(refusal.Reason),
		}, 1)
	} else {
		view.Text = views.Sentence{Text: t(c, id+".text")}
	}
	if refusal.Reason == keys.ReasonLinkUsed {
		view.Advice = t(c, "link.over.advice", words.Args{"Account": opened.Account})
	}
	return s.render(c, status, views.CredentialOverPage(view))
}

// linkShell is the frame of a page for whoever has a link. It is the same for who is signed in, who need not be
// whom the link is for.
func (s *Server) linkShell(c echo.Context, title string) views.Shell {
	shell := s.bareShell(c, title)
	shell.Viewer, shell.Review, shell.ReviewURL = nil, "", ""
	return shell
}

// hideFromRobots keeps the page of a link out of search engines, whatever its status.
func hideFromRobots(c echo.Context) { c.Response().Header().Set("X-Robots-Tag", "noindex, nofollow") }
