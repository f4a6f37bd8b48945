package main

import (
	"context"
	"fmt"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// demoOpener is the address from which links are opened.
const demoOpener = "203.0.113.140"

// demoSent are the keys that were generated with a link, how long ago that was, and what became of the link and
// after how long. Without an event nobody has opened it yet.
var demoSent = map[int]struct {
	ago   time.Duration
	event demoEvent
	after time.Duration
}{
	131: {ago: 40 * time.Minute},
	130: {ago: 40 * time.Hour, event: demoOpen, after: 50 * time.Minute},
	126: {ago: 5 * 24 * time.Hour, event: demoDiscard, after: 3 * time.Hour},
	125: {ago: 6 * 24 * time.Hour, event: demoExpire, after: keys.LinkLife},
}

// demoResent is the key whose current token is to be followed by one that its link makes.
const demoResent = 128

// demoLinkSteps are what happens to a key because of links.
func demoLinkSteps(key int) (steps []demoStep) {
	if sent := demoSent[key]; sent.event != "" {
		steps = append(steps, demoStep{ago: sent.ago - sent.after, key: key, event: sent.event})
	}
	if key == demoResent {
		steps = append(steps, demoStep{ago: 3 * time.Hour, key: key, event: demoRenewByLink})
	}
	return steps
}

// demoLink lets a step of the story happen that has to do with a link.
func demoLink(ctx context.Context, s *store.Store, by keys.Actor, step demoStep, made *demoMade) (err error) {
	switch step.event {
	case demoSend:
		var sent store.Generated
		sent, err = s.GenerateKey(ctx, by, store.NewKey{Name: step.name, Roles: step.roles, Nonce: secret.NewNonce(), ByLink: true})
		made.id, made.link, made.linkSecret = sent.Key.ID, sent.Key.Link.ID, sent.LinkSecret
	case demoOpen:
		var opened store.OpenedLink
		opened, err = s.OpenKeyLink(ctx, keys.Actor{Kind: keys.ActorNobody, IP: demoOpener}, made.link, made.linkSecret.Digest())
		if err == nil {
			made.first = opened.Key.Tokens[0].Number
		}
	case demoDiscard:
		_, err = s.DiscardLink(ctx, by, made.id)
	case demoExpire:
		err = s.ExpireLinks(ctx)
	case demoRenewByLink:
		_, err = s.RenewKeyByLink(ctx, by, made.id, secret.NewNonce())
	default:
		err = fmt.Errorf("the demo's story does not say what %q means", step.event)
	}
	return err
}
