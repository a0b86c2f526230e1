package proof

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/events"
)

func cardVectors(t *testing.T) (out []vector) {
	c, card, _ := annsTown(t)
	add := func(name, want, reason, text string) {
		out = append(out, vector{"card-" + name + ".card", "card", reason, want, text})
	}
	text := string(card.Text())
	b64 := base64.RawURLEncoding.EncodeToString(card.Trails[0].Key[:])
	last := lineOf(text, "trail 2 ")
	add("ann", "", "two generations; the bundles are verified with this card", text)
	add("one-generation", "", "a card that was never replaced", string(c.card(life{"ann", 1, 1}).Text()))
	add("gone", "", "the keys of the first generation are destroyed", string(c.card(life{"ann", 1, 0}, life{"ann", 2, 1}).Text()))

	add("nothing", "it is not daybook/card@1", "the file is empty", "")
	add("other-version", "it is not daybook/card@1", "the version is unknown", edit(t, text, "card@1", "card@2"))
	add("crlf", "it is not daybook/card@1", "lines end in CRLF", strings.ReplaceAll(text, "\n", "\r\n"))
	add("too-long", "more than 6144", "a card has at most 6,144 bytes", text+strings.Repeat("x", 6144))
	add("order", "where log is expected", "log and index change places", edit2(t, text, lineOf(text, "log "), lineOf(text, "index ")))
	add("log-key-case", "log:", "the hash of the log's key is in upper case", edit(t, text, "+e502cf56+", "+E502CF56+"))
	add("index-key-name", "index: the key is named", "the index key is the log's", edit(t, text, lineOf(text, "index "), "index "+card.Log))
	add("vrf-short", "vrf: it is not 32 bytes", "the VRF key has 31 bytes", edit(t, text, lineOf(text, "vrf "), "vrf "+base64.RawURLEncoding.EncodeToString(make([]byte, 31))))
	for name, address := range map[string]string{"slash": "https://ledger.example/", "query": "https://ledger.example/?a", "user": "https://a@ledger.example", "script": "javascript:alert(1)"} {
		add("url-"+name, "it is no address of a ledger", "the address has more than it needs, or is none: "+name, edit(t, text, "https://ledger.example", address))
	}
	add("scheme", "it is not a scheme", "a scheme has no space", edit(t, text, "scheme email", "scheme e mail"))
	bare := edit(t, edit(t, text, lineOf(text, "trail 1 ")+"\n", ""), last+"\n", "")
	add("policy-comment", "policy: it is not in its one form", "the policy has a comment", edit(t, text, "quorum both", "# both\nquorum both"))
	add("policy-log", "policy: it is not in its one form", "the policy has a log, which the card has already", edit(t, text, "quorum both", "log "+card.Log+"\nquorum both"))
	add("policy-all", "policy: it is not in its one form", "the number of witnesses is not written as one", edit(t, text, "group both 2", "group both all"))
	add("policy-none", "policy: ", "there is no policy", text[:strings.Index(text, "\n\n")+2])
	add("no-trail", "it is not daybook/card@1", "no generation", bare)
	add("next-alone", "neither trail, gone nor next", "the next generation is there twice, and no other", edit(t, bare, lineOf(text, "next "), lineOf(text, "next ")+"\n"+lineOf(text, "next ")))
	add("generation-left-out", "do not follow each other", "the second generation stands for the first", edit(t, text, lineOf(text, "trail 1 ")+"\n", ""))
	add("generation-zero", "do not follow each other", "the first generation is 0", edit(t, text, "trail 1 1 ", "trail 0 1 "))
	add("first-zero", "does not begin where it should", "a trail begins with event 0", edit(t, text, "trail 1 1 ", "trail 1 0 "))
	add("first-later", "does not begin where it should", "a trail begins with event 2", edit(t, text, "trail 1 1 ", "trail 1 2 "))
	add("first-back", "does not begin where it should", "the second generation begins where the first does", edit(t, text, "trail 2 5 ", "trail 2 1 "))
	add("first-leading-zero", "not in the one form", "a number has a leading zero", edit(t, text, "trail 2 5 ", "trail 2 05 "))
	add("key-short", "key: it is not 32 bytes", "a key has 31 bytes", edit(t, text, b64, base64.RawURLEncoding.EncodeToString(make([]byte, 31))))
	add("key-padded", "key: it is not 32 bytes", "a key is padded", edit(t, text, b64, b64+"="))
	add("label-no-proof", "reading a label", "a label's proof is none", edit(t, text, lineOf(text, "next "), "next "+base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 80))))
	add("next-missing", "it does not say what comes next", "there is no next generation", edit(t, text, lineOf(text, "next ")+"\n", ""))
	add("gone-last", "the last generation has no key", "the keys of the only generation are destroyed", string(c.card(life{"ann", 1, 0}).Text()))
	add("gone-behind", "gone behind keys that are not", "keys are destroyed behind ones that are not", string(c.card(life{"ann", 1, 1}, life{"ann", 2, 0}, life{"ann", 3, 1}).Text()))
	return out
}

// lineOf is the one line that begins so.
func lineOf(text, prefix string) string {
	at := strings.Index(text, prefix)
	line, _, _ := strings.Cut(text[at:], "\n")
	return line
}

func indexProofVectors(t *testing.T) (out []vector) {
	c, card, _ := annsTown(t)
	tags, labels := asked(card, 6, nil)
	good := c.prove(10, tags, labels)
	file := string(good.Format())
	add := func(name, want, reason, text string) {
		out = append(out, vector{"index-proof-" + name + ".txt", "index-proof", reason, want, text})
	}
	changed := func(name, want, reason string, change func(*IndexProof)) {
		p := good
		p.Path = slices.Clone(p.Path)
		change(&p)
		add(name, want, reason, string(p.Format()))
	}
	add("ann", "", "tags and labels, some of them absent", file)
	changed("tags-alone", "", "only the tree over tags was asked", func(p *IndexProof) { p.Labels = nil })
	changed("neither", "", "nothing was asked", func(p *IndexProof) { p.Tags, p.Labels = nil, nil })
	add("range", "", "everything that begins with two bits", string(c.signed(c.ranged(10)).Format()))

	changed("other-tags", "the tree over tags does not have the root", "the tree over tags is of a smaller ledger", func(p *IndexProof) { p.Tags = c.prove(8, tags, labels).Tags })
	changed("other-labels", "the tree over enrolments does not have the root", "the tree over enrolments is of a smaller ledger", func(p *IndexProof) { p.Labels = c.prove(4, tags, labels).Labels })
	changed("swapped", "the tree over tags does not have the root", "the trees change places", func(p *IndexProof) { p.Tags, p.Labels = p.Labels, p.Tags })
	changed("leaf-size", "does not lead to the root", "the leaf states another size", func(p *IndexProof) { p.Leaf.Size++ })
	changed("leaf-root", "does not lead to the root", "the leaf states another root of the ledger", func(p *IndexProof) { p.Leaf.Root[0]++ })
	changed("path-short", "does not lead to the root", "a hash of the path is missing", func(p *IndexProof) { p.Path = p.Path[1:] })
	leaves := [][]byte{[]byte(good.Leaf.Text()), testEntries(1)[0]}
	behind, err := SignCheckpoint(Checkpoint{IndexKeyName(testOrigin), 2, treeRoot(leaves)}, indexKey(t).Signer)
	if err != nil {
		t.Fatal(err)
	}
	changed("not-last", "does not lead to the root", "the leaf is not the last of the index", func(p *IndexProof) { p.Path, p.Note = inclusionPath(0, leaves), behind })
	changed("log-key", "no signature by key", "the log's key signs the index", func(p *IndexProof) {
		text, _, _ := strings.Cut(string(p.Note), "\n\n")
		p.Note = []byte(signRaw(t, text+"\n", logKey(t)))
	})
	add("nothing", "it has no checkpoint", "the file is empty", "")
	add("other-version", "it is not daybook/index-proof@1", "the version is unknown", edit(t, file, "index-proof@1", "index-proof@2"))
	add("leaf-version", "it is not daybook/index@1", "the leaf's version is unknown", edit(t, file, "daybook/index@1", "daybook/index@2"))
	add("labels-first", "has no place here", "the trees stand in another order", edit2(t, file, lineOf(file, "tags "), lineOf(file, "labels ")))
	add("tags-twice", "has no place here", "a tree is there twice", edit(t, file, lineOf(file, "tags "), lineOf(file, "tags ")+"\n"+lineOf(file, "tags ")))
	tree := AppendTree(nil, good.Tags)
	for _, v := range []struct {
		name, want, reason string
		tree               []byte
	}{
		{"tree-cut", "it ends too early", "a tree is cut off", tree[:len(tree)-1]},
		{"tree-longer", "bytes are left over", "a byte follows a tree", append(slices.Clone(tree), 0)},
		{"tree-no-root", "does not begin with a root", "a tree is not from its root on", AppendTree(nil, good.Tags.child[0])},
		{"tree-token", "is none", "a tree has a token that is none", append([]byte{tokenInner, 0, 9}, tree[3:]...)},
		{"tree-sides", "on the wrong side", "left and right change places", AppendTree([]byte{}, InnerNode(Prefix{}, good.Tags.child[1], good.Tags.child[0]))},
		{"tree-nothing-shown", "nothing is shown below", "a node is open for nothing", AppendTree(nil, InnerNode(Prefix{}, HashNode(Hash{1}), HashNode(Hash{2})))},
	} {
		add(v.name, v.want, v.reason, edit(t, file, lineOf(file, "tags "), "tags "+base64.RawURLEncoding.EncodeToString(v.tree)))
	}
	return out
}

// ranged is the index of the first entries, of which it shows a quarter.
func (c *town) ranged(size int) IndexProof {
	p := c.prove(size, nil, nil)
	tags, _ := c.items(size)
	p.Tags, p.Labels = c.tree(tags).Show(nil, []Prefix{PrefixOf(tags[0].Label, 2)}), nil
	return p
}

func bundleVectors(t *testing.T) (out []vector) {
	c, card, good := annsTown(t)
	file := string(good.Format())
	n := len(c.entries)
	secret := map[life]uint64{{"ann's seal", 1, 1}: 2}
	own := []int{0, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14}
	add := func(name, want, reason, text string) {
		out = append(out, vector{"bundle-" + name + ".bundle", "bundle", reason, want, text})
	}
	made := func(name, want, reason string, b Bundle) { add(name, want, reason, string(b.Format())) }
	changed := func(name, want, reason string, change func(*Bundle)) {
		b := good
		b.Entries, b.Nodes = slices.Clone(b.Entries), slices.Clone(b.Nodes)
		change(&b)
		made(name, want, reason, b)
	}
	without := func(list ...int) []int {
		return slices.DeleteFunc(slices.Clone(own), func(i int) bool { return slices.Contains(list, i) })
	}
	made("ann", "", "a whole trail: two generations, one event among several, one in bulk, and a seal's that was disclosed", good)
	made("newest", "", "the index and the ledger have the same size", c.bundle(card, n, n, 6, secret, own...))
	changed("closed", "", "of some entries nothing was opened", func(b *Bundle) { b.Entries[2].Open = nil })

	made("event-left-out", "the index has it, and the bundle does not", "her last event is left out", c.bundle(card, n, n, 6, secret, without(14)...))
	made("event-skipped", "event 1 is missing", "an event between others is left out", c.bundle(card, n, n, 6, secret, without(4)...))
	made("generation-left-out", "event 5 is missing", "the first event of the second generation is left out", c.bundle(card, n, n, 6, secret, without(13)...))
	made("sealed-left-out", "2 events were disclosed, 1 are here", "an event of the disclosed trail is left out", c.bundle(card, n, n, 6, secret, without(10)...))
	_, _, lie := annsTownGiven(t, life{"made up", 1, 1}, 0)
	made("sealed-made-up", "its first event is not the seal.placed", "the key that she was given is not that of the seal", lie)
	made("enrolment-left-out", "its enrolment is missing", "the enrolment of the first generation is left out", c.bundle(card, n, n, 6, secret, without(3)...))
	made("somebody-elses", "is not about her", "an entry about somebody else is there", c.bundle(card, n, n, 6, secret, append(without(), 2)...))
	tags, labels := asked(card, 6, secret)
	made("not-asked", "the index does not answer for it", "the index was not asked for her tags", c.bundle(card, n, 15, 6, secret, own...).covering(c.prove(15, tags[:1], labels)))
	changed("no-tags", "the index was not asked", "the tree over tags is missing", func(b *Bundle) { b.Index.Tags = nil })
	changed("no-labels", "the index was not asked", "the tree over enrolments is missing", func(b *Bundle) { b.Index.Labels = nil })
	made("outside", "outside a log of size 14", "an event stands behind what the index covers", c.bundle(card, n, 15, 6, secret, own...).covering(c.prove(14, tags, labels)))
	older := c.bundle(card, n, 15, 6, secret, own...)
	older.Index.Leaf.Root[0]++
	older.Index = c.signed(older.Index)
	made("other-beginning", "do not lead to the root at size 15", "the index is over another ledger", older)
	forked := c.bundle(card, n, 15, 6, secret, own...)
	forked.Note = witnessed(t, []byte(signRaw(t, Checkpoint{testOrigin, 20, LeafHash(nil)}.Text(), logKey(t))))
	made("other-root", "do not lead to the root at size 20", "the checkpoint has another root", forked)
	forked.Note = []byte(signRaw(t, c.checkpoint(n).Text(), newTestKey(t, testOrigin, "stranger")))
	made("stranger", "no signature by key", "another key signs the checkpoint", forked)
	alone := good
	alone.Note = []byte(signRaw(t, c.checkpoint(n).Text(), logKey(t)))
	made("not-cosigned", "no witness of the policy cosigned it", "nobody cosigned the ledger's checkpoint", alone)
	alone.Note = append(alone.Note, testLibrary(t).line(t, c.checkpoint(n).Text(), 0)...)
	made("cosigned-by-one", "only library cosigned it", "one of two cosigned the ledger's checkpoint", alone)
	alone = good
	text := must(splitNote(good.Index.Note))
	alone.Index.Note = []byte(signRaw(t, text, indexKey(t)) + testNewspaper(t).line(t, text, 0))
	made("index-cosigned-by-one", "the index: checking the policy: only newspaper", "one of two cosigned the checkpoint of the index", alone)

	changed("node-more", "not as many hashes", "there is a spare hash", func(b *Bundle) { b.Nodes = append(b.Nodes, Hash{}) })
	changed("node-less", "not as many hashes", "a hash is missing", func(b *Bundle) { b.Nodes = b.Nodes[1:] })
	changed("other-disclosure", "does not commit to", "a disclosure is of another entry", func(b *Bundle) {
		b.Entries[2].Open = slices.Concat(b.Entries[2].Open, b.Entries[3].Open)
	})
	changed("disclosure-value", "does not commit to", "a disclosure has another value", func(b *Bundle) {
		b.Entries[2].Open = slices.Clone(b.Entries[2].Open)
		b.Entries[2].Open[0].Value = events.String("2026-06-24T08:30:00.124Z")
	})
	changed("disclosure-twice", "a disclosure is there twice", "a disclosure is there twice", func(b *Bundle) {
		b.Entries[2].Open = slices.Concat(b.Entries[2].Open, b.Entries[2].Open[:1])
	})
	changed("other-entry", "do not lead to the root", "an entry is another of the ledger's", func(b *Bundle) { b.Entries[2].Entry, b.Entries[2].Open = c.entries[2], nil })
	changed("other-position", "do not lead to the root", "an entry has another position", func(b *Bundle) { b.Entries[6].Position, b.Entries[5].Position = 9, 8; b.Entries[4].Position = 6 })
	changed("unsorted", "positions do not ascend", "the entries are not in order", func(b *Bundle) { b.Entries[2], b.Entries[3] = b.Entries[3], b.Entries[2] })
	made("no-entry-0", "entry 0 is missing", "entry 0 is missing", c.bundle(card, n, n, 6, secret, without(0)...))

	add("nothing", "it is not daybook/bundle@1", "the file is empty", "")
	add("other-version", "it is not daybook/bundle@1", "the version is unknown", edit(t, file, "bundle@1", "bundle@2"))
	add("position-leading-zero", "leading zeros", "a position has a leading zero", edit(t, file, "\n11\n", "\n011\n"))
	add("space", "not in the one form it has", "a space follows a disclosure", edit(t, file, "\n5\n", " \n5\n"))
	add("no-nodes", "it has no nodes", "the line of the nodes is missing", edit(t, file, lineOf(file, "nodes "), "")[:strings.Index(file, "\nnodes ")]+file[strings.Index(file, "\n\n"):])
	add("no-checkpoint", "it has no checkpoint", "the checkpoint is missing", file[:strings.Index(file, "\n\n")+1])
	add("no-index", "no proof of the index", "the proof of the index is missing", file[:strings.Index(file, indexProofFormat)])
	add("nodes-half", "not whole hashes", "the nodes are no whole hashes", edit(t, file, "\nnodes ", "\nnodes AAAA"))
	return out
}

// covering is b with another proof of the index.
func (b Bundle) covering(p IndexProof) Bundle {
	b.Index = p
	return b
}
