package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/views"
	"latchkey/views/words"
)

// Reasons that only the web layer has.
const (
	reasonCrossOrigin  keys.Reason = "cross-origin"
	reasonForm         keys.Reason = "form-malformed"
	reasonPageNotFound keys.Reason = "page-not-found"
	reasonMethod       keys.Reason = "method-not-allowed"
	reasonTooLarge     keys.Reason = "too-large"
	reasonMediaType    keys.Reason = "media-type"
	reasonBusy         keys.Reason = "busy"
	reasonInternal     keys.Reason = "internal"
	reasonNotLoaded    keys.Reason = "not-loaded"
)

// statuses are the answers to the kinds of refusals.
var statuses = map[keys.Kind]int{
	keys.KindInvalid:     http.StatusUnprocessableEntity,
	keys.KindMalformed:   http.StatusBadRequest,
	keys.KindNotFound:    http.StatusNotFound,
	keys.KindConflict:    http.StatusConflict,
	keys.KindGone:        http.StatusGone,
	keys.KindForbidden:   http.StatusForbidden,
	keys.KindTooMany:     http.StatusTooManyRequests,
	keys.KindUnavailable: http.StatusServiceUnavailable,
	keys.KindUnknown:     http.StatusServiceUnavailable,
}

// reasonsOfStatus are the reasons for what Echo refuses by itself.
var reasonsOfStatus = map[int]keys.Reason{
	http.StatusBadRequest:            reasonForm,
	http.StatusNotFound:              reasonPageNotFound,
	http.StatusMethodNotAllowed:      reasonMethod,
	http.StatusRequestEntityTooLarge: reasonTooLarge,
	http.StatusUnsupportedMediaType:  reasonMediaType,
}

// statusClientGone is what the log says of a request whose client went away before it was answered. There is
// no standard status for it, and nobody reads the answer; net/http takes a client that says it sends
// nothing more for one that has gone.
const statusClientGone = 499

// failed carries an error together with the page from where it can be tried again. Draw, if there is one, is the
// page that says what failed in the place of the common one.
type failed struct {
	error
	retryURL, labelID string
	draw              func(views.Failure) templ.Component
}

// Unwrap returns the error.
func (f failed) Unwrap() error { return f.error }

// retryAt says where the person can try again what failed, and how that link is called.
func retryAt(err error, path, labelID string) error { return failed{err, path, labelID, nil} }

// refusalOf makes a status and a refusal of any error. What is not known is our fault: 500.
func refusalOf(err error) (int, *keys.Error) {
	if errors.Is(err, context.Canceled) {
		return statusClientGone, &keys.Error{Reason: keys.ReasonNotSaved, Cause: err}
	}
	if e, ok := errors.AsType[*keys.Error](err); ok {
		if status, known := statuses[e.Kind]; known {
			return status, e
		}
	}
	if errors.Is(err, secret.ErrBusy) {
		return http.StatusServiceUnavailable, &keys.Error{Reason: reasonBusy, RetryAfter: 2 * time.Second, Cause: err}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return http.StatusServiceUnavailable, &keys.Error{Reason: keys.ReasonNotSaved, Cause: err}
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		if reason, known := reasonsOfStatus[e.Code]; known {
			return e.Code, &keys.Error{Reason: reason, Cause: err}
		}
	}
	return http.StatusInternalServerError, &keys.Error{Reason: reasonInternal, Cause: err}
}

// handleError answers with the page of an error, or to htmx with its words in a header, which app.js
// shows. It is the only place that does.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status, refusal := refusalOf(err)
	s.logFailure(c, status, err)
	if v := currentViewer(c); refusal.Kind == keys.KindForbidden && refusal.Reason != reasonCrossOrigin {
		s.refuse(c, v.actor, keys.ActionAuthzDenied, string(refusal.Reason))
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		setRetryAfter(c, refusal.Reason, refusal.RetryAfter)
	}
	heading, text := sayRefusal(c, refusal)
	if isHX(c) {
		c.Response().Header().Set("Latchkey-Message", url.PathEscape(heading+". "+text))
		err = c.NoContent(status)
	} else {
		err = s.render(c, status, failurePage(s.failureView(c, status, refusal, err), err))
	}
	if err != nil {
		s.log.Error("error page failed", "id", requestID(c), "error", err)
		_ = c.String(http.StatusInternalServerError, t(c, "error.internal.heading")+": "+requestID(c)+"\n")
	}
}

func (s *Server) logFailure(c echo.Context, status int, err error) {
	level := s.log.Info
	if status >= http.StatusInternalServerError {
		level = s.log.Error
	}
	level("refused", "id", requestID(c), "route", c.Path(), "status", status, "error", err)
}

// sayRefusal puts a refusal in words: what happened, and what to do next.
func sayRefusal(c echo.Context, refusal *keys.Error) (heading, text string) {
	args := words.Args{}
	if slug := refusal.Details["resource"]; slug != "" {
		args["Permission"] = t(c, "permission."+slug+".name")
		args["Verb"] = t(c, "permission."+slug+".verb")
	}
	args["Role"] = refusal.Details["role"]
	if slug := refusal.Details["built-in"]; slug != "" {
		args["Role"] = sayRole(c, keys.Role{Slug: slug, Name: refusal.Details["role"], BuiltIn: true}).Name
	}
	if !refusal.At.IsZero() {
		args["At"] = momentOf(c, refusal.At).Text
	}
	reason := refusal.Reason
	if refusal.Kind == keys.KindInvalid {
		reason = reasonForm
	}
	id := "error." + string(reason)
	heading, text = t(c, id+".heading"), t(c, id+".text", args)
	if reason == reasonInternal && c.Request().Method == http.MethodPost {
		// The change may have been committed before our own code failed.
		text = t(c, "error.outcome-unknown.text")
	}
	return heading, text
}

// failurePage is the page that says what failed.
func failurePage(view views.Failure, err error) templ.Component {
	if f, ok := errors.AsType[failed](err); ok && f.draw != nil {
		return f.draw(view)
	}
	return views.FailurePage(view)
}

func (s *Server) failureView(c echo.Context, status int, refusal *keys.Error, err error) views.Failure {
	heading, text := sayRefusal(c, refusal)
	shell := s.bareShell(c, heading)
	shell.Failed = true
	view := views.Failure{Shell: shell, Heading: heading, Text: text}
	if status >= http.StatusInternalServerError {
		view.RequestID = requestID(c)
	}
	view.BackURL, view.BackLabel = pathHome(), t(c, "error.back.home")
	switch v := currentViewer(c); {
	case v.signedIn() && v.actor.May(keys.ViewAPIKeys):
		view.BackURL, view.BackLabel = pathKeys(), t(c, "error.back.keys")
	case v.signedIn():
		view.BackURL, view.BackLabel = pathHelp(), t(c, "error.back.help")
	}
	if f, ok := errors.AsType[failed](err); ok {
		view.BackURL, view.BackLabel = f.retryURL, t(c, f.labelID)
	}
	return view
}

// setRetryAfter says in whole seconds when to come again, unless waiting does not help.
func setRetryAfter(c echo.Context, reason keys.Reason, wait time.Duration) {
	if reason == keys.ReasonLoginLocked {
		return
	}
	seconds := (max(wait, time.Second) + time.Second - 1) / time.Second
	c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(seconds)))
}
