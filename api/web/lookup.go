package web

import (
	"net/url"
	"path"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/projections"
)

// named is a reference with what the register calls it.
type named struct {
	Register, Reference string
	Title               string // "" when the register does not know it
	Href                string // "" when there is no page to show
	Example             bool
}

// Short is the title, or what stands for it.
func (n named) Short() string {
	switch {
	case n.Title != "":
		return n.Title
	case n.Reference == events.Unknown:
		return n.unknown()
	}
	return n.Reference
}

// unknown says in a sentence what is not in the register.
func (n named) unknown() string { return indefinite(one(n.Register)) + " not in the register" }

// Known says that the register has it.
func (n named) Known() bool { return n.Href != "" }

// lookup finds names for one page, each once.
type lookup struct {
	reader projections.Reader
	at     string    // the day its register is shown of, "" for now
	now    time.Time // what is due is judged by, where at is ""
	seen   map[[2]string]named
	titles Titles // in place of reader, nil where there is one
	err    error  // the first that was not "not found"
}

func newLookup(r projections.Reader) *lookup {
	return &lookup{reader: r, seen: map[[2]string]named{}}
}

func (l *lookup) organization(id string) named { return l.find("organization", id) }

// find names the object id of a register, or of the first that has it.
func (l *lookup) find(register, id string) named {
	key := [2]string{register, id}
	if n, ok := l.seen[key]; ok {
		return n
	}
	n := named{Register: register, Reference: id}
	registers := []string{register}
	switch {
	case id == "" || id == events.Unknown:
		return n
	case register == events.AnyRegister:
		registers = registerOrder
	}
	for _, r := range registers {
		if l.titles != nil {
			if n.Title = l.titles(r, id); n.Title != "" {
				break
			}
			continue
		}
		item, err := l.reader.Item(r, id)
		if err == nil {
			n = l.named(item)
			break
		}
		if !isNotFound(err) && l.err == nil {
			l.err = err
		}
	}
	l.seen[key] = n
	return n
}

// named is nameOf with the day in its address.
func (l *lookup) named(i projections.Item) named {
	n := nameOf(i)
	n.Href = asOfHref(n.Href, l.at)
	return n
}

// asOfHref is an address of the register as of a day, "" for now.
func asOfHref(href, at string) string {
	if at == "" {
		return href
	}
	return href + "?" + url.Values{"at": {at}}.Encode()
}

// nameOf is the name of an item of the register.
func nameOf(i projections.Item) named {
	n := named{Register: i.Register, Reference: i.ID, Title: text(i.Fields, "name"), Href: itemHref(i.Register, i.ID)}
	if n.Title == "" {
		n.Title = text(i.Fields, "title")
	}
	n.Example = projections.IsExample(i.Organization) || i.Register == "organization" && projections.IsExample(i.ID)
	return n
}

func text(o events.Object, path string) string {
	v, _ := o.At(path)
	return v.Text()
}

// itemHref is the address of an item's page. A reference that would not survive
// as a path, as one with two slashes in a row, is written as one segment.
func itemHref(register, id string) string {
	base := "/register/" + register + "/"
	if path.Clean("/"+id) != "/"+id {
		return base + url.PathEscape(id)
	}
	return base + (&url.URL{Path: id}).EscapedPath()
}
