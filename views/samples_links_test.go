package views

import (
	"github.com/a-h/templ"

	"latchkey/views/ui"
)

const sampleLink = "https://keys.example/credentials/3fKabcdefghijklmnopqrs#lkl_0000sample0000000000000000000000000000000000000000"

func sampleLinkOnce() LinkOnce {
	return LinkOnce{
		URL: sampleLink, Base: "https://keys.example/credentials/",
		Expires: Sentence{Text: "Opens once. Expires 12 Sep 2026 (24 hours) if nobody opens it.", Times: []ui.Time{sampleTime()}},
	}
}

// linkPages are the pages of single-access links and those that tell of them.
func linkPages() map[string]templ.Component {
	generated := sampleGenerated()
	generated.Token, generated.Check, generated.Link = "", "", sampleLinkOnce()

	renewed := sampleRenewed("")
	renewed.ByLink, renewed.Link, renewed.DiscardURL = true, sampleLinkOnce(), "/keys/x/link/discard"
	renewedShown := renewed
	renewedShown.Link = LinkOnce{}
	alone := sampleRenewed(sampleToken)
	alone.Alone, alone.CloseURL = true, "/keys"

	undo := sampleTokenConfirm("Undo renewal", "/keys/x/renew/undo")
	undo.Link = true

	waiting := sampleShow()
	waiting.Renewal, waiting.Tokens = nil, waiting.Tokens[:1]
	waiting.Menu.DeleteOldURL, waiting.Menu.DiscardURL = "", "/keys/x/link/discard"
	waiting.Link = &KeyShowLink{Waits: true, Text: Sentence{Text: "A link has not been opened yet. It expires 12 Sep 2026.", Times: []ui.Time{sampleTime()}}}
	opened := sampleShow()
	opened.Link = &KeyShowLink{Text: Sentence{Text: "The link was opened on 12 Sep 2026 from 203.0.113.9.", Times: []ui.Time{sampleTime()}}}

	pending := sampleRow(sampleKey, sampleName, true)
	pending.Durations[0].Chips = []ui.Chip{{Tone: "info", Icon: "link", Text: "Link not opened yet, 23 h left"}}
	pending.Menu.UndoURL, pending.Menu.DiscardURL = sampleURL(sampleKey, "renew/undo"), sampleURL(sampleKey, "link/discard")
	none := sampleRow("appkey-acme-HTRMXA7C", hostileName, false)
	none.Durations = []KeyDuration{{Chips: []ui.Chip{{Tone: "warning", Icon: "circle-alert", Text: "No token"}}}}

	blocked := KeysRenewBlocked{
		Shell: sampleShell("A renewal is still open"), Name: sampleName, KeyID: sampleKey, BackURL: "/keys", BackLabel: "API Keys",
		UndoURL: "/keys/x/renew/undo", DiscardURL: "/keys/x/link/discard", Pending: true, Expires: sampleTime(),
	}
	first := blocked
	first.Pending, first.UndoURL = false, ""

	over := CredentialOver{
		Shell: sampleGate("This link was already used"), Heading: "This link was already used",
		Text: Sentence{Text: "It was opened on 12 Sep 2026.", Times: []ui.Time{sampleTime()}}, Advice: "Tell acme to deactivate the key now.",
	}
	inactive := CredentialOver{Shell: sampleGate("This key is not active now"), Heading: "This key is not active now", Text: Sentence{Text: "The link stays valid."}}

	return map[string]templ.Component{
		"generated link":      KeysGeneratedPage(generated),
		"renewed link":        KeysRenewedPage(renewed),
		"renewed link shown":  KeysRenewedPage(renewedShown),
		"renewed alone":       KeysRenewedPage(alone),
		"renew none":          KeysRenewPage(KeysRenew{Shell: sampleShell("Renew token"), URL: "/keys/x/renew", CancelURL: "/keys", BackLabel: "API Keys", KeyID: sampleKey, Name: sampleName, Nonce: "nonce", NoToken: true, Handover: "link"}),
		"renew blocked":       KeysRenewBlockedPage(blocked),
		"renew blocked first": KeysRenewBlockedPage(first),
		"undo link":           KeysUndoPage(undo),
		"discard link":        KeysLinkDiscardPage(sampleTokenConfirm("Discard link", "/keys/x/link/discard")),
		"show waiting":        KeysShowPage(waiting),
		"show opened":         KeysShowPage(opened),
		"list links":          KeysListPage(sampleList(pending, none)),
		"credential":          CredentialPage(Credential{Shell: sampleGate("A token is waiting"), URL: "/credentials/3fK", Host: "keys.example"}),
		"credential opened":   CredentialOpenedPage(CredentialOpened{Shell: sampleGate("Your token"), Name: hostileName, Account: "acme", KeyID: sampleKey, Token: sampleToken, Check: sampleCheck}),
		"credential over":     CredentialOverPage(over),
		"credential inactive": CredentialOverPage(inactive),
	}
}
