package web

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
)

// stoppedShown is how many of the keys that a change would stop are listed.
const stoppedShown = 25

// The choices of a token duration.
const (
	choice3Months = "3-months"
	choice6Months = "6-months"
	choiceCustom  = "custom"
)

// settingsFields is what the settings form sends.
type settingsFields struct {
	Duration string `form:"duration"`
	Days     string `form:"days"`
	Enforce  string `form:"enforce"`
	Zone     string `form:"zone"`
	Version  int64  `form:"version"`
	// Accepted marks the keys that the person has agreed to stop.
	Accepted string `form:"accepted"`
}

// settings are what the fields mean. What is no choice or no number breaks a rule of keys.
func (in settingsFields) settings() keys.Settings {
	out := keys.Settings{EnforceExpiry: in.Enforce == "on", Zone: in.Zone}
	switch in.Duration {
	case choice3Months:
		out.Duration = keys.Duration{Unit: keys.Months, Amount: 3}
	case choice6Months:
		out.Duration = keys.Duration{Unit: keys.Months, Amount: 6}
	case choiceCustom:
		days, _ := strconv.Atoi(in.Days)
		out.Duration = keys.Duration{Unit: keys.Days, Amount: days}
	}
	return out
}

// settingsFieldsOf are the fields as the account has them.
func settingsFieldsOf(a keys.Account) settingsFields {
	in := settingsFields{Duration: choiceCustom, Days: "90", Zone: a.Zone, Version: a.SettingsVersion}
	if a.EnforceExpiry {
		in.Enforce = "on"
	}
	switch a.Duration {
	case keys.Duration{Unit: keys.Months, Amount: 3}:
		in.Duration = choice3Months
	case keys.Duration{Unit: keys.Months, Amount: 6}:
		in.Duration = choice6Months
	default:
		in.Days = strconv.Itoa(a.Duration.Amount)
	}
	return in
}

// settingsForm shows the Settings tab.
func (s *Server) settingsForm(c echo.Context) error {
	return s.renderSettings(c, http.StatusOK, settingsFieldsOf(currentViewer(c).account), nil)
}

// settings applies the form. When that would stop keys, a page lists them first.
func (s *Server) settings(c echo.Context) error {
	var in settingsFields
	if err := bind(c, &in); err != nil {
		return err
	}
	_, changed, err := s.store.ChangeSettings(c.Request().Context(), actor(c), store.ChangeSettings{
		Version: in.Version, Settings: in.settings(), Accepted: in.Accepted,
	})
	if problems := problemsOf(c, err); problems != nil {
		return s.renderSettings(c, http.StatusUnprocessableEntity, in, problems)
	}
	switch reason := keys.ReasonOf(err); {
	case reason == keys.ReasonKeysWouldStop:
		return s.renderSettingsConfirm(c, in)
	case reason == keys.ReasonSettingsChanged:
		return retryAt(err, pathSettings(), "error.back.retry")
	case err != nil:
		return err
	}
	flash := ui.Flash{Tone: toneSuccess, Text: t(c, "flash.settings-applied")}
	if !changed {
		flash = ui.Flash{Tone: toneInfo, Text: t(c, "flash.no-changes")}
	}
	return s.flashRedirect(c, pathSettings(), flash)
}

func (s *Server) renderSettings(c echo.Context, status int, in settingsFields, problems []ui.Problem) error {
	v := currentViewer(c)
	shell := s.shell(c, "keys.tab.settings")
	shell.Failed = len(problems) > 0
	view := views.Settings{
		Shell: shell, Tabs: tabs(c, pathSettings()), URL: pathSettings(), PreviewURL: pathSettingsPreview(), Version: in.Version,
		Choice: in.Duration, Days: in.Days, Enforce: in.Enforce == "on", Zone: in.Zone, Zones: zonesWith(in.Zone), Problems: problems,
		Editable: v.actor.May(keys.EditAPIKeySettings), DurationText: sayDuration(c, v.account), EnforceText: sayEnforce(c, v.account),
	}
	var err error
	if view.Editable && len(problems) == 0 {
		if view.Preview, err = s.sayPreview(c, in.settings()); err != nil {
			return err
		}
	}
	if view.Nodes, err = s.nodesView(c); err != nil {
		return err
	}
	return s.render(c, status, views.SettingsPage(view))
}

// settingsPreview says what the form's values would do, while it is being filled in.
func (s *Server) settingsPreview(c echo.Context) error {
	query := c.QueryParams()
	in := settingsFields{Duration: query.Get("duration"), Days: query.Get("days"), Enforce: query.Get("enforce"), Zone: query.Get("zone")}
	text, err := s.sayPreview(c, in.settings())
	if problems := problemsOf(c, err); problems != nil {
		text, err = problems[0].Text, nil
	}
	if err != nil {
		return err
	}
	if !isHX(c) {
		return s.redirect(c, pathSettings())
	}
	return s.render(c, http.StatusOK, views.SettingsPreview(text))
}

func (s *Server) sayPreview(c echo.Context, in keys.Settings) (string, error) {
	preview, err := s.store.PreviewSettings(c.Request().Context(), actor(c), in, 0)
	if err != nil {
		return "", err
	}
	id := "settings.preview-outdated"
	if in.EnforceExpiry {
		id = "settings.preview-expired"
	}
	text := n(c, id, preview.Past)
	if preview.Stopped > 0 {
		text += " " + n(c, "settings.preview-stopped", preview.Stopped)
	}
	return text, nil
}

// renderSettingsConfirm lists the keys that the form would stop, and asks.
func (s *Server) renderSettingsConfirm(c echo.Context, in settingsFields) error {
	preview, err := s.store.PreviewSettings(c.Request().Context(), actor(c), in.settings(), stoppedShown)
	if err != nil {
		return err
	}
	view := views.SettingsConfirm{
		Shell: s.shell(c, "settings.confirm-heading"), URL: pathSettings(), CancelURL: pathSettings(),
		Count: preview.Stopped, More: preview.Stopped - len(preview.Keys),
		Fields: in.hidden(preview.Mark),
	}
	for _, key := range preview.Keys {
		view.Keys = append(view.Keys, views.SettingsKey{
			ID: string(key.ID), Name: key.Name, URL: pathKeyShow(key.ID), Active: key.Active(),
			Created: timeOf(c, key.Tokens[0].CreatedAt, currentViewer(c).zone()),
		})
	}
	return s.render(c, http.StatusOK, views.SettingsConfirmPage(view))
}

// hidden are the fields as a form carries them on, with the mark of what the person accepts.
func (in settingsFields) hidden(mark string) []views.HiddenField {
	return []views.HiddenField{
		{Name: "duration", Value: in.Duration},
		{Name: "days", Value: in.Days},
		{Name: "enforce", Value: in.Enforce},
		{Name: "zone", Value: in.Zone},
		{Name: "version", Value: strconv.FormatInt(in.Version, 10)},
		{Name: "accepted", Value: mark},
	}
}

func sayEnforce(c echo.Context, a keys.Account) string {
	if a.EnforceExpiry {
		return t(c, "settings.enforced")
	}
	return t(c, "settings.not-enforced")
}

// zonesWith are the zones to choose from, with the account's own when the list lacks it.
func zonesWith(zone string) []string {
	all := zones()
	if keys.CheckZone(zone) == nil && !slices.Contains(all, zone) {
		all = append([]string{zone}, all...)
	}
	return all
}
