package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/daybook-ledger/daybook/events"
)

// memory is what the world has been told by a keyring: what was acknowledged,
// and what was asked for and not answered.
type memory struct {
	logKey   string
	people   map[Identifier]record // who was handed out
	nexts    map[Identifier]record // likewise, their second generations
	erasing  map[Identifier]bool   // asked for
	erased   map[Identifier]bool   // answered
	months   map[string][]byte
	ending   map[string]bool
	ended    map[string]bool
	replayed uint64
	rotated  bool
	copied   bool       // a key may have left with an escrow
	masters  [][32]byte // with which traces are looked for
}

func newMemory() *memory {
	return &memory{
		people: map[Identifier]record{}, nexts: map[Identifier]record{}, erasing: map[Identifier]bool{}, erased: map[Identifier]bool{},
		months: map[string][]byte{}, ending: map[string]bool{}, ended: map[string]bool{},
	}
}

// deed is one thing a keyring is told to do.
type deed func(k *Keyring, m *memory) error

func opened(k *Keyring, m *memory) error {
	m.logKey = k.LogKey()
	m.masters = append(m.masters, k.files.vault.all()...)
	return nil
}

func preparing(names ...string) deed {
	return func(k *Keyring, m *memory) error {
		ids := make([]Identifier, len(names))
		for i, n := range names {
			ids[i] = Identifier{"example", n}
		}
		people, err := k.Prepare(ids, nil)
		if err != nil {
			return err
		}
		for i, p := range people {
			m.people[ids[i]] = record{k.lookupOf(ids[i]), p}
		}
		return nil
	}
}

func sealing(name string) deed {
	return func(k *Keyring, m *memory) error {
		id := Identifier{"example", name}
		p, err := k.PrepareSeal(m.people[id].person, id, "seal", nil)
		if err != nil {
			return err
		}
		hidden, err := sealed(id, "seal")
		m.people[hidden] = record{k.lookupOf(hidden), p}
		return err
	}
}

func following(name string) deed {
	return func(k *Keyring, m *memory) error {
		id := Identifier{"example", name}
		p, err := k.PrepareNext(id, 1, nil)
		if err == nil {
			m.nexts[id] = record{k.lookupOf(id), p}
		}
		return err
	}
}

func erasing(name string) deed {
	return func(k *Keyring, m *memory) error {
		id := Identifier{"example", name}
		hidden, err := sealed(id, "seal")
		if err != nil {
			return err
		}
		r := m.people[id]
		for _, of := range []Identifier{id, hidden} {
			for _, handed := range []map[Identifier]record{m.people, m.nexts} {
				if kept, ok := handed[of]; ok { // Erase makes a Person forget
					handed[of] = parseRecord(kept.appendTo(nil))
				}
			}
			m.erasing[of] = true
		}
		if err := k.Erase(r.person.handle); err != nil {
			return err
		}
		m.erased[id], m.erased[hidden] = true, true
		return nil
	}
}

func usingMonth(month string) deed {
	return func(k *Keyring, m *memory) error {
		key, err := k.MonthKey("city", day(month))
		if err == nil {
			m.months[month] = key
		}
		return err
	}
}

func endingMonth(month string) deed {
	return func(k *Keyring, m *memory) error {
		m.ending[month] = true
		err := k.DestroyMonth("city", month)
		m.ended[month] = err == nil
		return err
	}
}

func replaying(seq uint64) deed {
	return func(k *Keyring, m *memory) error {
		err := k.SetReplayed(events.Seq(seq))
		if err == nil {
			m.replayed = seq
		}
		return err
	}
}

func rotating(k *Keyring, m *memory) error {
	err := k.RotateMaster()
	m.rotated = m.rotated || err == nil
	m.masters = append(m.masters, k.files.vault.all()...)
	return err
}

// escrowing may be cut while the escrow has keys already: then the keyring must
// know of it.
func escrowing(k *Keyring, m *memory) error {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	err = writeEscrow(k.files.disk, Escrow{Master: k.master, Recipient: id.Recipient(), Begun: escrowTime, ReplacedEvery: time.Hour}, &out)
	m.copied = m.copied || out.Len() > 0
	return err
}

func moving(k *Keyring, _ *memory) error {
	k.writing.Lock()
	defer k.writing.Unlock()
	return k.move(false)
}

func closing(k *Keyring, _ *memory) error { return k.Close() }

// deeds are the scenario that is cut at every step.
func deeds() []deed {
	return []deed{
		opened,
		preparing("ada", "bob", "eve"), sealing("ada"),
		usingMonth("2026-01"), usingMonth("2026-02"),
		moving,
		preparing("dan", "ada", "kim"), sealing("dan"),
		following("ada"), following("dan"), following("bob"), following("dan"), // of her bucket, and of who waits
		erasing("ada"), // from her bucket, with a hidden trail
		erasing("dan"), // pending, with a hidden trail
		replaying(12),
		escrowing,
		endingMonth("2026-01"),
		rotating,
		preparing("liv", "bob"),
		following("kim"),
		erasing("eve"),
		closing,
	}
}

// perform opens the keyring of root and does as much of list as power lasts.
func perform(root string, p *plug, m *memory, list []deed) error {
	k, err := openPlugged(root, p)
	if err != nil {
		return err
	}
	for _, d := range list {
		if err := d(k, m); err != nil {
			k.closed.Store(true)
			return errors.Join(err, k.lock.Close())
		}
	}
	return nil
}

// check opens the keyring of root, or hears why it does not, and holds it
// against what the world was told.
func (m *memory) check(t *testing.T, root string) {
	t.Helper()
	k, err := openPlugged(root, nil)
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	defer k.crash(t)
	m.checkSettled(t, k)
	if m.logKey != "" && k.LogKey() != m.logKey {
		t.Error("the ledger has other keys")
	}
	for id, r := range m.people {
		m.checkPerson(t, k, id, r)
	}
	for id, r := range m.nexts {
		m.checkNext(t, k, id, r)
	}
	m.checkErased(t, k)
	m.checkMonths(t, k)
	if got, err := k.Replayed(); err != nil || uint64(got) < m.replayed {
		t.Errorf("replayed to %d, not %d: %v", got, m.replayed, err)
	}
	if _, found, err := k.Rotated(); err != nil || m.rotated && !found {
		t.Errorf("a rotation is forgotten: %v", err)
	}
	if until, err := k.BackupsUntil(escrowTime); err != nil || m.copied && !until.Equal(escrowTime.Add(time.Hour)) {
		t.Errorf("an escrow may be there until %v: %v", until, err)
	}
	// Everything can be done that was not, again or for the first time.
	for _, d := range []deed{preparing("bob", "new"), sealing("bob"), following("bob"), erasing("new"), usingMonth("2026-07"), rotating, closing} {
		if err := d(k, newMemoryOf(k, t)); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}

// checkSettled: Open leaves nothing aside, one master key, and everything sealed
// under that.
func (m *memory) checkSettled(t *testing.T, k *Keyring) {
	t.Helper()
	if left, err := k.files.asides(); err != nil || len(left) > 0 {
		t.Errorf("left aside: %v, %v", left, err)
	}
	keys, err := k.master.Load()
	if err != nil || len(keys) != 1 {
		t.Errorf("there are %d master keys: %v", len(keys), err)
	}
	id := masterID((*secret)(&keys[0]))
	err = filepath.WalkDir(k.files.root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), "lock") && !strings.HasPrefix(d.Name(), "escrow") {
			if data := readBytes(t, path); !bytes.Contains(data, id[:]) && !allZero(data) {
				t.Errorf("%s is not sealed under the master key", d.Name())
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func newMemoryOf(k *Keyring, t *testing.T) *memory {
	m := newMemory()
	for _, name := range []string{"bob", "new"} {
		id := Identifier{"example", name}
		if k.closed.Load() {
			continue
		}
		if p := lookup(t, k, id); p != nil {
			m.people[id] = record{k.lookupOf(id), p}
		}
	}
	return m
}

func (m *memory) checkPerson(t *testing.T, k *Keyring, id Identifier, r record) {
	t.Helper()
	got := byHandle(t, k, r.person.handle)
	switch {
	case m.erased[id]:
		if got != nil {
			t.Errorf("%s is back", id.Value)
		}
	case got == nil && !m.erasing[id]:
		t.Errorf("%s is lost", id.Value)
	case got != nil && !sameRecord(record{r.lookup, got}, r):
		t.Errorf("%s has other keys", id.Value)
	case got != nil && id.Scheme == "example" && lookup(t, k, id) != got:
		t.Errorf("%s is not found by her identifier", id.Value)
	}
}

// checkNext: once it was handed out, there is no other second generation.
func (m *memory) checkNext(t *testing.T, k *Keyring, id Identifier, r record) {
	t.Helper()
	first := byHandle(t, k, r.person.handle)
	switch {
	case first == nil: // as checkPerson judges
	case !same(first.At(2), r.person):
		t.Errorf("the second generation of %s is lost, or another", id.Value)
	case lookup(t, k, id).At(2) != first.At(2):
		t.Errorf("the second generation of %s is not found by her identifier", id.Value)
	}
}

// checkErased looks for everybody erased in all that any master key opens.
func (m *memory) checkErased(t *testing.T, k *Keyring) {
	t.Helper()
	if len(m.erased) == 0 {
		return
	}
	seen := map[[32]byte]bool{}
	for _, key := range m.masters {
		if seen[key] {
			continue
		}
		seen[key] = true
		all := [][]byte{bytes.Join(contents(t, k.files.root, must(newVault([][32]byte{key}, nil))(t)), nil)}
		for id := range m.erased {
			for _, handed := range []map[Identifier]record{m.people, m.nexts} {
				r, ok := handed[id]
				if !ok {
					continue // she had no hidden trail, or no second generation
				}
				root := r.person.Root()
				if found := (traces{"root key": root[:], "lookup": r.lookup[:], "label": r.person.label[:]}).in(all); len(found) > 0 {
					t.Errorf("%s: found %v", id.Value, found[0])
				}
			}
		}
	}
}

func (m *memory) checkMonths(t *testing.T, k *Keyring) {
	t.Helper()
	for month, key := range m.months {
		got, err := k.FindMonthKey("city", day(month))
		switch {
		case m.ended[month]:
			if _, again := k.MonthKey("city", day(month)); !errors.Is(err, fs.ErrNotExist) || !errors.Is(again, ErrMonthEnded) {
				t.Errorf("the key of %s is back: %v, %v", month, err, again)
			}
		case errors.Is(err, fs.ErrNotExist) && m.ending[month]:
		case err != nil || !bytes.Equal(got, key):
			t.Errorf("the key of %s is another one: %v", month, err)
		}
	}
}

// TestEveryCrash cuts the power before every step of a scenario that does all a
// keyring can, and looks at all that may be found afterwards.
func TestEveryCrash(t *testing.T) {
	images := 0
	for cut := 0; ; cut++ { // as often as it takes: two persons in one bucket save steps
		m := newMemory()
		p := plugIn(t, newRoot(t), cut)
		err := perform(p.root, p, m, deeds())
		if p.cut != errors.Is(err, errCut) || !p.cut && err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		for i, root := range p.images() {
			images++
			t.Run(fmt.Sprintf("%d-%d", cut, i), func(t *testing.T) { m.check(t, root) })
		}
		if t.Failed() {
			t.Fatalf("cut at step %d", cut)
		}
		if !p.cut {
			if t.Logf("%d steps, %d images", cut, images); cut < 150 {
				t.Error("the scenario has too few steps")
			}
			return
		}
	}
}

// TestPowerAfterKill kills the process at every step, lets another one go on
// with what it finds, and cuts the power then: what the second one told the
// world, it must have made sure of.
func TestPowerAfterKill(t *testing.T) {
	for cut := 0; ; cut++ {
		m := newMemory()
		p := plugIn(t, newRoot(t), cut)
		err := perform(p.root, p, m, deeds())
		if p.cut != errors.Is(err, errCut) || !p.cut && err != nil {
			t.Fatalf("killed at %d: %v", cut, err)
		}
		if !p.cut {
			return // it was killed at every step
		}
		p.settle()
		p.cutAt = -1
		later := []deed{opened, preparing("bob", "ada", "liv"), usingMonth("2026-02"), replaying(20), moving}
		if len(m.erasing) > 0 {
			later = []deed{opened, erasing("ada"), preparing("bob", "liv"), usingMonth("2026-02")}
		}
		if m.ending["2026-01"] {
			later = append(later, endingMonth("2026-01"))
		}
		if err := perform(p.root, p, m, later); err != nil {
			t.Fatalf("after being killed at %d: %v", cut, err)
		}
		for i, root := range p.images() {
			t.Run(fmt.Sprintf("%d-%d", cut, i), func(t *testing.T) { m.check(t, root) })
		}
		if t.Failed() {
			t.Fatalf("killed at step %d", cut)
		}
	}
}

// TestCrashAfterCrash cuts the power again while Open finishes what the first
// cut left.
func TestCrashAfterCrash(t *testing.T) {
	random := mathrand.New(mathrand.NewPCG(1, 2))
	for range 60 {
		m := newMemory()
		p := plugIn(t, newRoot(t), 40+random.IntN(200))
		if err := perform(p.root, p, m, deeds()); err != nil && !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		for range 3 {
			images := p.images()
			p = plugIn(t, images[random.IntN(len(images))], random.IntN(30))
			if err := perform(p.root, p, newMemory(), []deed{closing}); err != nil && !errors.Is(err, errCut) {
				t.Fatalf("opening after the power failed: %v", err)
			}
		}
		for _, root := range p.images() {
			m.check(t, root)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}

// newRoot is a directory for a keyring and its master key.
func newRoot(t testing.TB) string {
	t.Helper()
	root := tempDir(t)
	if err := os.Mkdir(filepath.Join(root, "keys"), dirMode); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestStepsAreSteps holds that nothing changes the directory past the steps
// that tests can cut: whoever writes a file calls no function of os himself.
func TestStepsAreSteps(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "disk.go" {
			continue
		}
		for _, call := range []string{"os.OpenFile", "os.Create", "os.WriteFile", "os.Rename", "os.Remove", "os.Mkdir("} {
			if n := strings.Count(string(readBytes(t, name)), call); n > 0 && !(name == "master.go" && call == "os.OpenFile") {
				t.Errorf("%s calls %s", name, call)
			}
		}
	}
}
