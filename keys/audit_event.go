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
	ActionUserInvited     Action = "user.invited"
	ActionUserEdited      Action = "user.edited"
	ActionUserDeactivated Action = "user.deactivated"
	ActionUserActivated   Action = "user.activated"
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
	// ActionLinkCreated to ActionLinkVoided are the life of a single-access link of a key or of a user.
	ActionLinkCreated Action = "link.created"
	ActionLinkOpened  Action = "link.opened"
	ActionLinkExpired Action = "link.expired"
	ActionLinkVoided  Action = "link.voided"
	// ActionLinkReopened is an attempt to open a link that was opened, has expired or was taken back, by
	// somebody who has its secret.
	ActionLinkReopened Action = "link.reopen_attempt"
	// ActionLinkWrongSecret is an attempt to open a link with a secret that is not its own. Once there were
	// keys.WrongSecretsUntilAlarm of them, it is an alarm.
	ActionLinkWrongSecret Action = "link.wrong_secret"
	ActionSettingsChanged Action = "settings.changed"
	ActionRoleCreated     Action = "role.created"
	ActionRoleEdited      Action = "role.edited"
	ActionExternalAdded   Action = "external.added"
	ActionExternalEdited  Action = "external.edited"
	ActionExternalRemoved Action = "external.removed"
	ActionRoleDeleted     Action = "role.deleted"
	ActionResourceAdded   Action = "resource.added"
	ActionBackupMade      Action = "backup.made"
	ActionBackupRestored  Action = "backup.restored"
	ActionExportMade      Action = "export.made"
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

// ReasonLost is the detail "reason" of a deactivation that writes down again what the database had lost.
const ReasonLost = "lost"

// WrittenAgain says whether the event is such a deactivation.
func (e AuditEvent) WrittenAgain() bool {
	return e.Action == ActionKeyDeactivated && e.Details["reason"] == ReasonLost
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
	// User is the id of the user whose link was presented. The event is then about that user.
	User string
	// Detail is a further word for the audit log, such as the resource that was asked for. It is never
	// what a stranger typed.
	Detail string
	// Alarm marks a warning. Alarms are not counted among the refusals that an account's log takes in a
	// minute.
	Alarm bool
}
