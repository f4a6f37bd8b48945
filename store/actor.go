package store

import (
	"context"
	"slices"

	"latchkey/keys"
)

// checkActor returns Forbidden when the acting user does not hold any more what they held of the console when
// the request came in: a request may take as long as its client likes to send it, and whoever was deactivated or lost a
// role meanwhile must not end it. It is asked once a change, under the lock of the account, which every change
// of what users hold takes, or under that of the counter, which every change takes that is recorded: so of
// the two changes one comes first, and the other knows.
func (t *tx) checkActor(ctx context.Context) error {
	if t.by.Kind != keys.ActorUser || t.actorChecked {
		return nil
	}
	t.actorChecked = true
	now, err := t.holds(ctx, t.by)
	if err != nil {
		return err
	}
	for _, resource := range t.by.Holds {
		if keys.IsConsole(resource) && !slices.Contains(now, resource) {
			return keys.Forbidden(keys.ReasonPermissionMissing, "resource", resource)
		}
	}
	return nil
}

// itself is a user who does something with what is their own, for which they need to hold nothing.
func itself(user keys.Actor) keys.Actor {
	user.Holds = nil
	return user
}
