package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// accountCmd holds the commands about accounts.
type accountCmd struct {
	Create  accountCreateCmd  `cmd:"" help:"Create a further account and its owner."`
	List    accountListCmd    `cmd:"" help:"List the accounts."`
	Confirm accountConfirmCmd `cmd:"" help:"After a restore: the account's active keys were looked through, and may come in again."`
}

// accountFlags describe a new account and its owner.
type accountFlags struct {
	placeFlags
	Account      string `name:"account" required:"" placeholder:"NAME" help:"The account's short name, 3 to 20 lower-case letters or digits. It never changes."`
	Email        string `name:"email" required:"" placeholder:"EMAIL" help:"The owner's email address."`
	PasswordFile string `name:"password-file" required:"" placeholder:"FILE" help:"The file with the owner's password; - is standard input."`
	Zone         string `name:"zone" default:"UTC" placeholder:"ZONE" help:"The account's time zone, such as Europe/Lisbon."`
}

// newAccount checks the flags and hashes the password.
func (f accountFlags) newAccount(p *program) (store.NewAccount, error) {
	in := store.NewAccount{Slug: f.Account, Zone: f.Zone, Email: keys.NormalEmail(f.Email)}
	if err := keys.Problems(keys.CheckAccountSlug(in.Slug), keys.CheckZone(in.Zone), keys.CheckEmail(in.Email)); err != nil {
		return in, misused(err)
	}
	password, err := readPassword(f.PasswordFile, p.stdin)
	if err != nil {
		return in, err
	}
	in.PasswordPHC, err = hashPassword(p.ctx, password, in.Slug, in.Email)
	return in, err
}

// accountCreateCmd creates an account beside those that exist.
type accountCreateCmd struct{ accountFlags }

// Run creates the account. A server that is running on it goes on.
func (c *accountCreateCmd) Run(p *program) error {
	inst, err := p.openExisting(c.placeFlags)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	in, err := c.newAccount(p)
	if err != nil {
		return err
	}
	account, user, err := inst.store.CreateAccount(p.ctx, keys.Command("latchkey account create"), in)
	if err != nil {
		return err
	}
	p.say("Account %s was created. Its owner %s can sign in.", account.Slug, user.Email)
	return removeSetupCode(inst.folder)
}

// accountListCmd lists the accounts.
type accountListCmd struct{ placeFlags }

// Run prints one line for each account.
func (c *accountListCmd) Run(p *program) error {
	inst, err := p.openExisting(c.placeFlags)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	accounts, err := inst.store.Accounts(p.ctx)
	if err != nil {
		return err
	}
	rows := [][]string{{"ACCOUNT", "TIME ZONE", "TOKEN DURATION", "KEYS", "CREATED"}}
	for _, a := range accounts {
		rows = append(rows, []string{
			a.Slug, a.Zone, fmt.Sprintf("%d %s", a.Duration.Amount, a.Duration.Unit), fmt.Sprint(a.KeyCount),
			a.CreatedAt.In(a.Location()).Format("2006-01-02"),
		})
	}
	return p.table(rows)
}

// openExisting opens an installation that must be there. A server may be running on it.
func (p *program) openExisting(f placeFlags) (*instance, error) {
	where, err := f.place()
	if err != nil {
		return nil, err
	}
	return openInstance(p.ctx, where, access{options: storeOptions(p.now, p.log(slog.LevelWarn))})
}

// table prints rows in columns.
func (p *program) table(rows [][]string) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(w, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}

// maxPasswordFile is more than the longest password takes, and little enough to read at once.
const maxPasswordFile = 4 << 10

// readPassword reads a password from a file, or from stdin when its name is "-". One line end after
// it belongs to the file and not to the password; everything else is the password as it is.
func readPassword(file string, stdin io.Reader) (string, error) {
	source := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("cannot read the password: %w. Nothing was changed", err)
		}
		defer func() { _ = f.Close() }()
		source = f
	}
	content, err := io.ReadAll(io.LimitReader(source, maxPasswordFile+1))
	if err != nil {
		return "", fmt.Errorf("cannot read the password: %w. Nothing was changed", err)
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	switch {
	case len(content) > maxPasswordFile:
		return "", secret.ErrPasswordLong
	case strings.ContainsAny(password, "\r\n"):
		return "", errors.New("the password file has more than one line. Nothing was changed; put the password alone on the first line")
	case !keys.IsText(password):
		return "", errors.New("the password is not UTF-8 text. Nothing was changed; save the file as UTF-8")
	}
	return password, nil
}

// hashPassword checks a password against the rules and hashes it. About are the words that it must
// not be made of.
func hashPassword(ctx context.Context, password string, about ...string) (string, error) {
	if err := secret.CheckPassword(password, about...); err != nil {
		return "", err
	}
	return secret.NewPasswords().Hash(ctx, password)
}
