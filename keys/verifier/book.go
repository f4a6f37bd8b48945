package verifier

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"latchkey/keys"
)

// book is what keys refer to and what changes rarely: accounts and sets of roles. It is never changed;
// a change makes another book.
type book struct {
	bySlug   map[string]*account
	byNumber map[int64]uint32
	// accounts and sets are found by their places, which stay what they are from book to book.
	accounts []*account
	sets     []*roleSet
	setPlace map[string]uint32
	// first is the oldest account: the one that is guarded when nobody says which.
	first *account
}

func newBook() *book {
	return &book{
		bySlug: map[string]*account{}, byNumber: map[int64]uint32{}, setPlace: map[string]uint32{},
	}
}

// clone returns a book that may be changed until it is shown to readers.
func (b *book) clone() *book {
	return &book{
		bySlug: maps.Clone(b.bySlug), byNumber: maps.Clone(b.byNumber), setPlace: maps.Clone(b.setPlace),
		accounts: slices.Clone(b.accounts), sets: slices.Clone(b.sets), first: b.first,
	}
}

// account is an account as verifications need it.
type account struct {
	place    uint32
	id, slug string
	// bare is the place of the set without roles.
	bare uint32
	// header is the slug as the value of a response header.
	header   []string
	settings keys.Settings
	zone     *time.Location
	// review says that nobody can know whether one of the account's keys may come in.
	review bool
	roles  map[int64]keys.FeedRole
	// day remembers how tokens stand on one day.
	day atomic.Pointer[expiryDay]
}

// set puts an account into the book, and makes the sets of its roles anew.
func (b *book) set(fed keys.FeedAccount) {
	place, known := b.byNumber[fed.Number]
	if !known {
		place = uint32(len(b.accounts))
		b.accounts = append(b.accounts, nil)
		b.byNumber[fed.Number] = place
	}
	a := &account{
		place: place, id: fed.ID, slug: fed.Slug, header: []string{fed.Slug}, settings: fed.Settings, review: fed.Review,
		zone: keys.Account{Zone: fed.Settings.Zone}.Location(), roles: map[int64]keys.FeedRole{},
	}
	for _, role := range fed.Roles {
		a.roles[role.Number] = role
	}
	b.accounts[place], b.bySlug[a.slug] = a, a
	a.bare = b.placeOf(place, nil)
	b.first = b.oldest()
	for i, set := range b.sets {
		if set.account == place {
			b.sets[i] = newRoleSet(a, set.numbers)
		}
	}
}

// reviews is how many accounts are under review.
func (b *book) reviews() (count int) {
	for _, a := range b.accounts {
		if a.review {
			count++
		}
	}
	return count
}

func (b *book) oldest() *account {
	place := b.byNumber[slices.Min(slices.Collect(maps.Keys(b.byNumber)))]
	return b.accounts[place]
}

// roleSet is what a key may do that has exactly these roles.
type roleSet struct {
	account uint32
	numbers []int64
	// slugs are those of the roles and resources what they allow together, both sorted.
	slugs, resources []string
	// header is the list of slugs as the value of a response header.
	header []string
}

func newRoleSet(a *account, numbers []int64) *roleSet {
	set := &roleSet{account: a.place, numbers: numbers}
	for _, number := range numbers {
		// A role that is not there any more gives nothing.
		if role, ok := a.roles[number]; ok {
			set.slugs = append(set.slugs, role.Slug)
			set.resources = append(set.resources, role.Resources...)
		}
	}
	slices.Sort(set.slugs)
	slices.Sort(set.resources)
	set.resources = slices.Compact(set.resources)
	set.header = []string{strings.Join(set.slugs, ",")}
	return set
}

// grants says whether the roles allow a resource.
func (s *roleSet) grants(resource string) bool {
	_, found := slices.BinarySearch(s.resources, resource)
	return found
}

// placeOf returns the place of the set of an account's roles, which is made when it is not there yet.
func (b *book) placeOf(owner uint32, numbers []int64) uint32 {
	var room [128]byte
	name := binary.AppendUvarint(room[:0], uint64(owner))
	for _, n := range numbers {
		name = binary.AppendVarint(name, n)
	}
	if place, ok := b.setPlace[string(name)]; ok {
		return place
	}
	place := uint32(len(b.sets))
	b.sets = append(b.sets, newRoleSet(b.accounts[owner], slices.Clone(numbers)))
	b.setPlace[string(name)] = place
	return place
}

// knows says whether placeOf would find the set.
func (b *book) knows(owner uint32, numbers []int64) bool {
	name := binary.AppendUvarint(nil, uint64(owner))
	for _, n := range numbers {
		name = binary.AppendVarint(name, n)
	}
	_, ok := b.setPlace[string(name)]
	return ok
}
