package keys

import "slices"

// ActorKind says what sort of actor made a change.
type ActorKind string

// The kinds of actors.
const (
	ActorUser    ActorKind = "user"
	ActorCommand ActorKind = "command"
	ActorSystem  ActorKind = "system"
	ActorNobody  ActorKind = "nobody"
)

// Actor is who does something, from where, with which permissions. It carries the account: a store
// method acts in the actor's account and in no other.
type Actor struct {
	// Kind says whether a user, a command on the machine, or the program itself acts.
	Kind ActorKind
	// AccountID and Account are the id and the slug of the account that is acted in.
	AccountID, Account string
	// UserID and Email name the user; a command has only the words for the audit log in Email.
	UserID, Email string
	// Holds are the slugs of the resources that the actor holds.
	Holds []string
	// IP is the client's address, or empty for a command.
	IP string
	// RequestID ties the audit event to the log line of the request.
	RequestID string
}

// Command returns the actor for a command that is run on the machine itself. It holds every console
// resource: whoever can run it can also write the database.
func Command(name string) Actor {
	a := Actor{Kind: ActorCommand, Email: name}
	for _, r := range ConsoleResources() {
		a.Holds = append(a.Holds, r.Slug)
	}
	return a
}

// In returns the same actor, acting in an account.
func (a Actor) In(account Account) Actor {
	a.AccountID, a.Account = account.ID, account.Slug
	return a
}

// May says whether the actor holds a resource.
func (a Actor) May(resource string) bool { return slices.Contains(a.Holds, resource) }

// Require returns Forbidden, with the resource's slug, unless the actor holds it.
func (a Actor) Require(resource string) error {
	if a.May(resource) {
		return nil
	}
	return Forbidden(ReasonPermissionMissing, "resource", resource)
}

// MayGrant returns Forbidden when roles hold a console resource that the actor does not hold:
// nobody gives away, edits or revives more than they have themselves. The account's own resources
// may be granted by whoever may edit keys.
func (a Actor) MayGrant(roles []Role) error {
	for _, role := range roles {
		if missing := a.lacks(role); missing != "" {
			details := []string{"role", role.Name, "resource", missing}
			if role.BuiltIn {
				details = append(details, "built-in", role.Slug)
			}
			return Forbidden(ReasonEscalation, details...)
		}
	}
	return nil
}

func (a Actor) lacks(role Role) string {
	if role.Everything {
		for _, r := range ConsoleResources() {
			if !a.May(r.Slug) {
				return r.Slug
			}
		}
	}
	for _, slug := range role.Resources {
		if IsConsole(slug) && !a.May(slug) {
			return slug
		}
	}
	return ""
}
