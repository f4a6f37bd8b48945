package keys

import "time"

// Action names what happened, such as key.generated.
type Action string

// The actions of the audit log.
const (
	ActionSetupClaimed    Action = "setup.claimed"
	ActionAccountCreated  Action = "account.created"
	ActionUserCreated     Action = "user.created"
	ActionUserReset       Action = "user.reset"
	ActionUserUnlocked    Action = "user.unlocked"
	ActionUserLocked      Action = "user.locked"
	ActionPasswordChanged Action = "user.password_changed"
	ActionPreferencesSet  Action = "user.preferences_set"
	ActionLoginOK         Action = "login.ok"
	ActionLoginFail       Action = "login.fail"
	ActionLoginBlocked    Action = "login.blocked"
	ActionLogout          Action = "logout"
	ActionSessionRevoked  Action = "session.revoked"
	ActionKeyGenerated    Action = "key.generated"
	ActionKeyEdited       Action = "key.edited"
	ActionKeyActivated    Action = "key.activated"
	ActionKeyDeactivated  Action = "key.deactivated"
	ActionKeyDeleted      Action = "key.deleted"
	ActionTokenMinted     Action = "token.minted"
	ActionTokenRetired    Action = "token.retired"
	ActionTokenRevoked    Action = "token.revoked"
	ActionRenewStarted    Action = "renew.started"
	ActionRenewCompleted  Action = "renew.completed"
	ActionRenewUndone     Action = "renew.undone"
	ActionSettingsChanged Action = "settings.changed"
	ActionRoleEdited      Action = "role.edited"
	ActionBackupMade      Action = "backup.made"
	ActionBackupRestored  Action = "backup.restored"
	// ActionReviewConfirmed is an admin's word that the keys of a restored backup may come in again.
	ActionReviewConfirmed Action = "review.confirmed"
	// ActionTokenReuse is an alarm: a token that was replaced or taken back is still presented.
	ActionTokenReuse    Action = "token.reuse_after_rotation"
	ActionVerifyRefused Action = "verify.refused"
	ActionVerifyFlooded Action = "verify.flooded"
	ActionCSRFBlocked   Action = "csrf.blocked"
	ActionAuthzDenied   Action = "authz.denied"
	ActionMoreRefusals  Action = "refusals.more"
)

// AuditEvent says who did what to which object, when, from where, with which result. It is written
// in the same transaction as the change and never holds a secret.
type AuditEvent struct {
	// Seq is the event's place in the installation's chain, counted from 1.
	Seq int64
	// ID is the event's own id, a UUIDv7.
	ID string
	// At is when it happened, in UTC, to the microsecond.
	At time.Time
	// AccountID is the account that it happened in, or empty when that is not known.
	AccountID string
	// ActorKind, ActorID and Actor say who did it; Actor is the email or the command.
	ActorKind ActorKind
	ActorID   string
	Actor     string
	// Action says what happened.
	Action Action
	// ObjectKind, ObjectID and Object say to what: the kind, the public id and the name.
	ObjectKind, ObjectID, Object string
	// IP and RequestID say from where.
	IP, RequestID string
	// Result is "ok" or why it was refused.
	Result string
	// Alarm marks a warning.
	Alarm bool
	// Details are further fields, such as the values before and after.
	Details map[string]any
}

// Refusal is something that was refused and that a stranger can cause as often as they like. Equal
// refusals are counted together, so that they cannot flood the audit log.
type Refusal struct {
	Action    Action
	AccountID string
	ActorID   string
	Actor     string
	IP        string
	// Route is the pattern of the route, never the address that was asked for.
	Route string
	// Reason says why.
	Reason string
	// Key is the key that was presented, where that is known. The event is then about that
	// key.
	Key KeyID
	// Detail is a further word for the audit log, such as the resource that was asked for. It is never
	// what a stranger typed.
	Detail string
	// Alarm marks a warning. Alarms are not counted among the refusals that an account's log takes in a
	// minute.
	Alarm bool
}
