package main

import (
	"cmp"
	"slices"
	"time"
)

// demoKeys is how many keys the demo has: enough for six pages.
const demoKeys = 132

// demoAge is how old the demo's oldest key is. With the default duration of three months about a
// fifth of the tokens are past their end, and about an eighth should be renewed soon.
const demoAge = 118 * 24 * time.Hour

// demoEvent is what happens to a key in the demo's story.
type demoEvent string

// The events of the story. Renewals and links end in every way there is: not at all yet; with the old token
// kept, with it deleted, and undone; opened, discarded, and expired.
const (
	demoGenerate   demoEvent = "generate"
	demoDeactivate demoEvent = "deactivate"
	demoRenew      demoEvent = "renew"
	demoLater      demoEvent = "complete later"
	demoNow        demoEvent = "complete now"
	demoUndo       demoEvent = "undo"

	demoSend        demoEvent = "generate with a link"
	demoOpen        demoEvent = "open the link"
	demoDiscard     demoEvent = "discard the link"
	demoExpire      demoEvent = "let the link expire"
	demoRenewByLink demoEvent = "renew with a link"
)

// demoStep is one thing that happened to a key. Name and roles are those of a new one.
type demoStep struct {
	ago   time.Duration
	key   int
	event demoEvent
	name  string
	roles []string
}

var demoPartners = []string{
	"Northwind", "Lisbon warehouse", "Porto warehouse", "Blue Heron Books", "Harbour Foods", "Maple & Pine",
	"Kestrel Couriers", "Old Town Cycles", "Sunday Market", "Lighthouse Optics", "Fern Street Florists", "Atlas Freight",
	"Copper Kettle", "Quiet Mill Paper", "Riverbank Outdoor", "Tin Roof Records", "Velvet Thread", "Saltmarsh Pottery",
	"Juniper Labs", "Meridian ERP", "Orchard Kitchens", "Paper Lantern Toys",
}

var demoPurposes = []struct {
	name  string
	roles []string
}{
	{"order sync", []string{"orders-manager"}},
	{"catalogue feed", []string{"catalog-viewer"}},
	{"price updates", []string{"pricing-admin", "catalog-viewer"}},
	{"stock levels", []string{"inventory-viewer"}},
	{"shipping labels", []string{"logistics-operator", "orders-viewer", "inventory-viewer"}},
	{"monthly report", []string{"orders-viewer", "catalog-viewer", "pricing-viewer", "inventory-viewer"}},
}

// demoStory returns what happened in the demo's account, the oldest first. It is the same every
// time, so that screenshots can be compared; only the present day moves.
func demoStory() []demoStep {
	var story []demoStep
	for key := range demoKeys {
		pair := demoPair(key)
		purpose := demoPurposes[pair/len(demoPartners)]
		step := demoStep{
			ago:   demoAge - demoAge*time.Duration(key)/demoKeys - time.Duration(key*7919%340)*time.Minute/2,
			key:   key,
			event: demoGenerate,
			name:  demoPartners[pair%len(demoPartners)] + ": " + purpose.name,
			roles: purpose.roles,
		}
		if key%19 == 8 {
			step.name, step.roles = step.name+" (on hold)", nil
		}
		if sent, byLink := demoSent[key]; byLink {
			step.event, step.ago = demoSend, sent.ago
		}
		story = append(story, step)
		if key%7 == 3 || key == 100 {
			story = append(story, demoStep{ago: step.ago / 3, key: key, event: demoDeactivate})
		}
		story = append(story, demoRenewals(key, step.ago)...)
		story = append(story, demoLinkSteps(key)...)
	}
	slices.SortStableFunc(story, func(a, b demoStep) int { return cmp.Compare(b.ago, a.ago) })
	return story
}

// demoPair is the place of a key among the pairs of partner and purpose. A stride without a common
// divisor with demoKeys visits every pair once, in an order that does not look like a list.
func demoPair(key int) int { return key * 37 % demoKeys }

// demoRenewals are the renewals of a key that was generated so long ago. One key of the first page,
// and every eleventh, has been renewed.
func demoRenewals(key int, ago time.Duration) []demoStep {
	if key%11 != 6 && key != demoKeys-3 {
		return nil
	}
	renewed := ago / 4
	steps := []demoStep{{ago: renewed, key: key, event: demoRenew}}
	if end := []demoEvent{demoLater, demoNow, demoUndo, ""}[key/11%4]; end != "" {
		steps = append(steps, demoStep{ago: renewed - time.Minute, key: key, event: end})
	}
	return steps
}

// demoMarkedKeys are the keys of the demo's second account, which marks tokens past their duration
// and lets them in, and how many days ago each was generated: one of every mark.
var demoMarkedKeys = []struct {
	name string
	days int
}{
	{"Harbour crane telemetry", 230},
	{"Tide tables", 140},
	{"Pilot bookings", 84},
	{"Berth display", 9},
}
