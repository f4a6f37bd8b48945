package main

import (
	"slices"
	"strings"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// userCmd holds the commands about users.
type userCmd struct {
	List     userListCmd     `cmd:"" help:"List the users of all accounts."`
	Reset    userResetCmd    `cmd:"" help:"Give a user a new password. All of the user's sessions end."`
	Unlock   userUnlockCmd   `cmd:"" help:"Let a user sign in again after too many failed attempts."`
	Activate userActivateCmd `cmd:"" help:"Let a user sign in again who was deactivated."`
}

// userListCmd lists users.
type userListCmd struct{ placeFlags }

// Run prints one line for each user.
func (c *userListCmd) Run(p *program) error {
	inst, err := p.openExisting(c.placeFlags)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	users, err := inst.store.Users(p.ctx)
	if err != nil {
		return err
	}
	rows := [][]string{{"EMAIL", "ACCOUNT", "ROLES", "STATUS", "LAST SIGN-IN", "LOCKED"}}
	for _, u := range users {
		var roles []string
		for _, role := range u.Roles {
			roles = append(roles, role.Name)
		}
		last, locked := "never", "no"
		if !u.LastSignInAt.IsZero() {
			last = u.LastSignInAt.UTC().Format("2006-01-02 15:04 MST")
		}
		if u.Locked {
			locked = "yes"
		}
		rows = append(rows, []string{u.Email, u.Account, strings.Join(roles, ", "), userStatus(u), last, locked})
	}
	return p.table(rows)
}

// userStatus is what keeps a user from signing in, or "active".
func userStatus(u keys.User) string {
	if u.Active() && !u.HasPassword {
		return "no password"
	}
	return string(u.Status)
}

// userResetCmd gives a user a new password. No variable sets the file: the one that was meant for
// init would silently become this user's password.
type userResetCmd struct {
	placeFlags
	Email        string `arg:"" help:"The user's email address."`
	PasswordFile string `name:"password-file" flagonly:"" placeholder:"FILE" help:"The file with the new password; - is standard input. Without it a password is made up and printed once."`
}

// Run resets the password, which also unlocks the user.
func (c *userResetCmd) Run(p *program) error {
	inst, err := p.openExisting(c.placeFlags)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	user, err := p.findUser(inst, c.Email)
	if err != nil {
		return err
	}
	password := secret.NewPassword()
	if c.PasswordFile != "" {
		if password, err = readPassword(c.PasswordFile, p.stdin); err != nil {
			return err
		}
	}
	phc, err := hashPassword(p.ctx, password, user.Account, user.Email)
	if err != nil {
		return err
	}
	if err := inst.store.ResetUser(p.ctx, keys.Command("latchkey user reset"), user.Email, phc); err != nil {
		return err
	}
	p.say("%s has a new password and is signed out everywhere.", user.Email)
	if !user.Active() {
		p.say("The user is inactive. latchkey user activate %s lets them sign in.", user.Email)
	}
	if c.PasswordFile == "" {
		p.say("\nThe new password, shown only now:\n\n    %s\n\nThe user should change it after signing in.", password)
	}
	return nil
}

// userUnlockCmd clears the failed sign-ins of a user.
type userUnlockCmd struct {
	placeFlags
	Email string `arg:"" help:"The user's email address."`
}

// Run unlocks the user. The password stays.
func (c *userUnlockCmd) Run(p *program) error {
	inst, err := p.openExisting(c.placeFlags)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	user, err := p.findUser(inst, c.Email)
	if err != nil {
		return err
	}
	if err := inst.store.UnlockUser(p.ctx, keys.Command("latchkey user unlock"), user.Email); err != nil {
		return err
	}
	p.say("%s can sign in again with the same password.", user.Email)
	return nil
}

// userActivateCmd makes an inactive user active.
type userActivateCmd struct {
	placeFlags
	Email string `arg:"" help:"The user's email address."`
}

// Run activates the user. The password stays.
func (c *userActivateCmd) Run(p *program) error {
	inst, err := p.openExisting(c.placeFlags)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	user, err := p.findUser(inst, c.Email)
	if err != nil {
		return err
	}
	by := keys.Command("latchkey user activate").In(keys.Account{ID: user.AccountID, Slug: user.Account})
	if _, _, err := inst.store.ActivateUser(p.ctx, by, user.Number); err != nil {
		return err
	}
	p.say("%s is active and can sign in with the same password.", user.Email)
	return nil
}

// findUser returns the user of an email, or NotFound.
func (p *program) findUser(inst *instance, email string) (keys.User, error) {
	users, err := inst.store.Users(p.ctx)
	if err != nil {
		return keys.User{}, err
	}
	i := slices.IndexFunc(users, func(u keys.User) bool { return u.Email == keys.NormalEmail(email) })
	if i < 0 {
		return keys.User{}, keys.NotFound(keys.ReasonUserNotFound)
	}
	return users[i], nil
}
