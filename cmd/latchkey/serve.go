package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"latchkey/keys/secret"
	"latchkey/store"
	"latchkey/web"
)

// serveCmd serves the console until it is asked to stop.
type serveCmd struct{ serveFlags }

// Run opens the data folder, alone, and serves from it.
func (c *serveCmd) Run(p *program) (err error) {
	s, err := c.check()
	if err != nil {
		return err
	}
	options := storeOptions(p.now, p.log(s.level))
	options.Node = store.NodeIdentity{Name: s.node, Version: version()}
	inst, err := openInstance(p.ctx, s.place, access{create: true, exclusive: true, options: options})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inst.Close()) }()
	l, err := listen(p.ctx, s)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	if err := warnOfAccount(p.ctx, s, inst, p.log(s.level)); err != nil {
		return err
	}
	code := &setupCode{
		folder: inst.folder, public: publicURL(s, l), store: inst.store,
		now: p.now, log: p.log(s.level), out: p.stdout,
	}
	invitation, err := code.start(p.ctx)
	if err != nil {
		return err
	}
	greeting := fmt.Sprintf("Latchkey %s is served on %s\n%s\n%s\n%s",
		version(), code.public, addresses(s, l), inst.kept(s.node), invitation)
	return serve(p, s, inst, l, greeting, func(ctx context.Context) {
		look := time.NewTicker(setupCodeEvery)
		defer look.Stop()
		code.keep(ctx, look.C)
	})
}

// leave takes the node out of the list of those that answer.
func leave(ctx context.Context, s *store.Store, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
	defer cancel()
	if err := s.Leave(ctx); err != nil {
		log.Warn("the database was not told that this node stops", "error", err)
	}
}

// leaveWithin is how long a stopping server waits for a database to hear that it stops.
const leaveWithin = 2 * time.Second

// serve answers on l from an open instance until the program is asked to stop, with the work of the web
// layer, of the verifier and more beside it. It returns when every request has its answer and all of that
// work is done, so the store can be closed. The greeting is printed once connections are taken; until the
// verifier is loaded, verifications are answered with 503.
func serve(p *program, s settings, inst *instance, l listeners, greeting string, more ...func(context.Context)) error {
	boundGarbage()
	log := p.log(s.level)
	v := newVerifier(s, inst, p.now, log)
	nodes := &nodeList{store: inst.store, name: s.node, now: p.now}
	server, err := web.New(web.Config{
		Store: inst.store, Passwords: secret.NewPasswords(), Now: p.now, Log: log, Health: health(p.ctx, v, nodes, s.node),
		PublicURL: publicURL(s, l), Hosts: hosts(s, l), TrustedProxies: s.proxies, InsecureHTTP: s.insecure,
		KeyHeader: s.verify.keyHeader, TokenHeader: s.verify.tokenHeader, Verifier: verifierAddress(s, l), Folder: inst.folder, Version: version(),
	})
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(context.WithoutCancel(p.ctx))
	var work sync.WaitGroup
	open := make(chan struct{})
	begin := func(f func(context.Context)) {
		work.Go(func() {
			select {
			case <-open:
				f(working)
			case <-working.Done():
			}
		})
	}
	begin(func(ctx context.Context) {
		if err := server.Run(ctx); err != nil {
			log.Error("background work ended", "error", err)
		}
	})
	for _, f := range more {
		begin(f)
	}
	begin(func(ctx context.Context) { follow(ctx, v, log) })
	begin(func(ctx context.Context) { inst.store.Listen(ctx, v.Hint) })
	begin(func(ctx context.Context) {
		tick := time.NewTicker(nodesEvery)
		defer tick.Stop()
		nodes.keep(ctx, tick.C, log)
	})
	ready := func() {
		p.say("%s", greeting)
		close(open)
	}
	// Requests end first: what they counted is then still written.
	err = answer(p.ctx, doorsOf(s, l, v, nodes, server), s, log, ready)
	stop()
	work.Wait()
	leave(p.ctx, inst.store, log)
	return err
}
