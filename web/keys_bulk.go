package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/views"
	"latchkey/views/ui"
	"latchkey/views/words"
)

// maxBulk is how many keys one action may be about.
const maxBulk = 200

// bulkNamed is how many keys the page that asks names, and bulkTold how many of those with which it did not
// work the answer names.
const (
	bulkNamed = 10
	bulkTold  = 5
)

// Reasons for refusing a choice of keys.
const (
	reasonNothingChosen keys.Reason = "nothing-chosen"
	reasonTooManyChosen keys.Reason = "too-many-chosen"
)

// bulkAction is something that can be done to many keys. do says whether it changed the key.
type bulkAction struct {
	name   string
	danger bool
	do     func(s *Server, c echo.Context, id keys.KeyID) (changed bool, err error)
}

var bulkActions = []bulkAction{
	{name: "activate", do: func(s *Server, c echo.Context, id keys.KeyID) (bool, error) {
		_, changed, err := s.store.ActivateKey(c.Request().Context(), actor(c), id)
		return changed, err
	}},
	{name: "deactivate", danger: true, do: func(s *Server, c echo.Context, id keys.KeyID) (bool, error) {
		_, changed, err := s.store.DeactivateKey(c.Request().Context(), actor(c), id)
		return changed, err
	}},
	{name: bulkDelete, danger: true, do: func(s *Server, c echo.Context, id keys.KeyID) (bool, error) {
		_, err := s.store.DeleteKey(c.Request().Context(), actor(c), id)
		return true, err
	}},
}

// bulkDelete is the action that asks for the box of what cannot be undone.
const bulkDelete = "delete"

// bulkBar is what can be done to the keys that are chosen in the list.
func bulkBar(from list) *views.KeysBulkBar {
	bar := &views.KeysBulkBar{URL: pathKeysBulk(""), ExportURL: pathKeysExport(formatXLSX)}
	if from != "" {
		bar.List = string(from)
	}
	return bar
}

// bulkFields is what the list and the page that asks send.
type bulkFields struct {
	Action     string   `form:"action" query:"action"`
	IDs        []string `form:"id" query:"id"`
	Understood string   `form:"understood"`
}

// chosen is what shall be done to which keys.
type chosen struct {
	action bulkAction
	ids    []keys.KeyID
}

// chosen reads what was chosen. It refuses an action that does not exist, no key at all, and more keys than
// one action may be about.
func (in bulkFields) chosen(from list) (chosen, error) {
	i := slices.IndexFunc(bulkActions, func(a bulkAction) bool { return a.name == in.Action })
	if i < 0 {
		return chosen{}, malformed()
	}
	what := chosen{action: bulkActions[i]}
	for _, id := range in.IDs {
		if known, err := keys.ParseKeyID(id); err == nil && !slices.Contains(what.ids, known) {
			what.ids = append(what.ids, known)
		}
	}
	switch {
	case len(what.ids) == 0:
		return chosen{}, retryAt(keys.Malformed(reasonNothingChosen), from.path(), "error.back.keys")
	case len(what.ids) > maxBulk:
		return chosen{}, retryAt(keys.Malformed(reasonTooManyChosen), from.path(), "error.back.keys")
	}
	return what, nil
}

// keysBulkForm asks whether something shall be done to many keys.
func (s *Server) keysBulkForm(c echo.Context) error {
	query := c.QueryParams()
	what, err := bulkFields{Action: query.Get("action"), IDs: query["id"]}.chosen(listQuery(c))
	if err != nil {
		return err
	}
	return s.askBulk(c, http.StatusOK, what, nil)
}

// keysBulk does something to many keys, each in a change of its own, and says with which it did not work.
func (s *Server) keysBulk(c echo.Context) error {
	var in bulkFields
	if err := bind(c, &in); err != nil {
		return err
	}
	what, err := in.chosen(listQuery(c))
	if err != nil {
		return err
	}
	if what.action.name == bulkDelete && in.Understood != "on" {
		return s.askBulk(c, http.StatusUnprocessableEntity, what, problemsOf(c, keys.Problem("understood", keys.ReasonNotUnderstood)))
	}
	known, err := s.store.PickKeys(c.Request().Context(), actor(c), what.ids)
	if err != nil {
		return err
	}
	out, err := s.doBulk(c, what, known)
	if err != nil {
		return err
	}
	return s.flashRedirect(c, listQuery(c).path(), out.flash(c, what.action))
}

// bulkOutcome is what became of an action on many keys.
type bulkOutcome struct {
	done, same int
	failed     []string
}

// doBulk acts on one key after the other. When the database does not answer, the rest is not tried, and when
// it did not from the beginning, that is the error.
func (s *Server) doBulk(c echo.Context, what chosen, known []keys.Key) (out bulkOutcome, err error) {
	var down error
	escalation := false
	for _, id := range what.ids {
		s.extendTime(c)
		changed, err := false, down
		if down == nil {
			changed, err = what.action.do(s, c, id)
		}
		switch kind := keys.KindOf(err); {
		case err == nil && changed:
			out.done++
			continue
		case err == nil:
			out.same++
			continue
		case kind == keys.KindForbidden && keys.ReasonOf(err) == keys.ReasonEscalation:
			escalation = true
		case kind == keys.KindNotFound:
		case out.done+out.same+len(out.failed) == 0:
			return out, err
		case down == nil:
			s.logFailure(c, http.StatusServiceUnavailable, err)
			down = err
		}
		out.failed = append(out.failed, sayBulkFailure(c, nameOf(id, known), err))
	}
	if escalation {
		s.refuse(c, actor(c), keys.ActionAuthzDenied, string(keys.ReasonEscalation))
	}
	return out, nil
}

// nameOf is what a person calls a key: its name, or its id where it is gone.
func nameOf(id keys.KeyID, known []keys.Key) string {
	for _, key := range known {
		if key.ID == id {
			return key.Name
		}
	}
	return string(id)
}

// sayBulkFailure says of one key why it did not work.
func sayBulkFailure(c echo.Context, name string, err error) string {
	args := words.Args{"Name": name}
	id, known := bulkFailures[keys.KindOf(err)]
	if keys.ReasonOf(err) == keys.ReasonPermissionMissing {
		id = "bulk.failed-forbidden" // it was taken away meanwhile
	}
	if !known {
		id = "bulk.failed-not-saved"
	}
	return t(c, id, args)
}

// bulkFailures are the words for why it did not work.
var bulkFailures = map[keys.Kind]string{
	keys.KindNotFound: "bulk.failed-gone", keys.KindForbidden: "bulk.failed-escalation", keys.KindUnknown: "bulk.failed-unknown",
}

// flash tells the outcome in whole sentences.
func (out bulkOutcome) flash(c echo.Context, action bulkAction) ui.Flash {
	flash := ui.Flash{Tone: toneSuccess}
	var said []string
	if out.done > 0 {
		said = append(said, n(c, "bulk.done-"+action.name, out.done))
	}
	if out.same > 0 {
		said = append(said, n(c, "bulk.same-"+action.name, out.same))
	}
	if len(out.failed) > 0 {
		flash.Tone = toneWarning
		told := out.failed[:min(bulkTold, len(out.failed))]
		if more := len(out.failed) - len(told); more > 0 {
			told = append(slices.Clone(told), n(c, "bulk.failed-more", more))
		}
		said = append(said, words.N(speaking(c), "bulk.failed", len(out.failed), words.Args{"List": strings.Join(told, "; ")}))
	}
	flash.Text = strings.Join(said, " ")
	return flash
}

// askBulk shows the page that names the keys and asks.
func (s *Server) askBulk(c echo.Context, status int, what chosen, problems []ui.Problem) error {
	known, err := s.store.PickKeys(c.Request().Context(), actor(c), what.ids)
	if err != nil {
		return err
	}
	if len(known) == 0 {
		return keys.NotFound(keys.ReasonKeyNotFound)
	}
	from := listQuery(c)
	name := what.action.name
	view := views.KeysBulk{
		KeyConfirm: views.KeyConfirm{
			Shell: s.bareShell(c, t(c, "bulk.heading-"+name)), URL: pathKeysBulk(from), CancelURL: from.path(), BackLabel: t(c, "keys.heading"), Problems: problems,
		},
		Heading: n(c, "bulk.ask-"+name, len(known)), Text: n(c, "bulk.text-"+name, len(known)), Submit: t(c, "bulk.submit-"+name),
		Action: name, Danger: what.action.danger, Understood: name == bulkDelete,
	}
	view.Failed = len(problems) > 0
	for _, key := range known {
		view.IDs = append(view.IDs, string(key.ID))
		if len(view.Keys) < bulkNamed {
			view.Keys = append(view.Keys, views.KeysBulkKey{ID: string(key.ID), Name: key.Name, Active: key.Active()})
		}
	}
	if more := len(known) - len(view.Keys); more > 0 {
		view.More = n(c, "bulk.more", more)
	}
	if gone := len(what.ids) - len(known); gone > 0 {
		view.Gone = n(c, "bulk.gone", gone)
	}
	if refused := s.bulkRefused(c, what.action, known); refused > 0 {
		view.Refused = n(c, "bulk.refused", refused)
	}
	return s.render(c, status, views.KeysBulkPage(view))
}

// bulkRefused is how many of the keys the action will be refused for, as they hold more than the viewer.
func (s *Server) bulkRefused(c echo.Context, action bulkAction, known []keys.Key) (refused int) {
	if action.name != "activate" {
		return 0
	}
	for _, key := range known {
		if actor(c).MayGrant(key.Roles) != nil {
			refused++
		}
	}
	return refused
}
