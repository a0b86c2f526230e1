package stream

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/events"
)

func TestConfigurationOfTheServer(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	h := open(t, nc)
	got, err := h.Configuration(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for field, ok := range map[string]bool{
		"Name":               got.Name == "DAYBOOK",
		"Subjects":           len(got.Subjects) == 1 && got.Subjects[0] == "daybook.history",
		"Storage":            got.Storage == jetstream.FileStorage,
		"Retention":          got.Retention == jetstream.LimitsPolicy,
		"Discard":            got.Discard == jetstream.DiscardNew,
		"DenyDelete":         got.DenyDelete,
		"DenyPurge":          got.DenyPurge,
		"AllowRollup":        !got.AllowRollup,
		"AllowAtomicPublish": got.AllowAtomicPublish,
		"AllowDirect":        got.AllowDirect,
		"PersistMode":        got.PersistMode == jetstream.DefaultPersistMode,
		"NoAck":              !got.NoAck,
		"Replicas":           got.Replicas == 1,
		"MaxMsgs":            got.MaxMsgs == -1,
		"MaxBytes":           got.MaxBytes == -1,
		"MaxAge":             got.MaxAge == 0,
		"MaxMsgsPerSubject":  got.MaxMsgsPerSubject == -1,
		"MaxMsgSize":         got.MaxMsgSize == -1,
		"FirstSeq":           got.FirstSeq <= 1,
	} {
		if !ok {
			t.Errorf("%s is not what the history needs: %+v", field, got)
		}
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, h, 2)
	s, err := js.Stream(t.Context(), "DAYBOOK")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteMsg(t.Context(), 1); err == nil {
		t.Error("the server deleted a message")
	}
	if err := s.Purge(t.Context()); err == nil {
		t.Error("the server purged the stream")
	}
}

// spoiled is one broken field of a configuration each.
var spoiled = map[string]func(c *jetstream.StreamConfig){
	"Storage":            func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
	"PersistMode":        func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode },
	"NoAck":              func(c *jetstream.StreamConfig) { c.NoAck = true },
	"Replicas":           func(c *jetstream.StreamConfig) { c.Replicas = 0 },
	"AllowAtomicPublish": func(c *jetstream.StreamConfig) { c.AllowAtomicPublish = false },
	"AllowDirect":        func(c *jetstream.StreamConfig) { c.AllowDirect = false },
	"DenyDelete":         func(c *jetstream.StreamConfig) { c.DenyDelete = false },
	"DenyPurge":          func(c *jetstream.StreamConfig) { c.DenyPurge = false },
	"AllowRollup":        func(c *jetstream.StreamConfig) { c.AllowRollup = true },
	"AllowMsgTTL":        func(c *jetstream.StreamConfig) { c.AllowMsgTTL = true },
	"AllowMsgSchedules":  func(c *jetstream.StreamConfig) { c.AllowMsgSchedules = true },
	"Retention":          func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy },
	"Discard":            func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
	"MaxMsgs":            func(c *jetstream.StreamConfig) { c.MaxMsgs = 10 },
	"MaxBytes":           func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 },
	"MaxAge":             func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour },
	"MaxMsgsPerSubject":  func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 10 },
	"MaxMsgSize":         func(c *jetstream.StreamConfig) { c.MaxMsgSize = 100 },
	"Subjects":           func(c *jetstream.StreamConfig) { c.Subjects = []string{"daybook.>"} },
	"Name":               func(c *jetstream.StreamConfig) { c.Name = "OTHER" },
	"FirstSeq":           func(c *jetstream.StreamConfig) { c.FirstSeq = 10 },
	"Sealed":             func(c *jetstream.StreamConfig) { c.Sealed = true },
	"Mirror":             func(c *jetstream.StreamConfig) { c.Mirror = &jetstream.StreamSource{Name: "X"} },
	"Sources":            func(c *jetstream.StreamConfig) { c.Sources = []*jetstream.StreamSource{{Name: "X"}} },
	"SubjectTransform":   func(c *jetstream.StreamConfig) { c.SubjectTransform = &jetstream.SubjectTransformConfig{} },
	"AllowMsgCounter":    func(c *jetstream.StreamConfig) { c.AllowMsgCounter = true },
}

func TestCheckConfig(t *testing.T) {
	cfg := Config{}.withDefaults()
	if err := checkConfig(wanted(cfg), cfg); err != nil {
		t.Fatal(err)
	}
	for field, spoil := range spoiled {
		got := wanted(cfg)
		spoil(&got)
		var ce *ConfigError
		if err := checkConfig(got, cfg); !errors.As(err, &ce) || ce.Field != field {
			t.Errorf("%s spoiled: %v", field, err)
		}
	}
}

// create makes the history's stream directly, with one field spoiled.
func create(t *testing.T, nc *nats.Conn, spoil func(c *jetstream.StreamConfig)) jetstream.Stream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	c := wanted(Config{}.withDefaults())
	spoil(&c)
	s, err := js.CreateStream(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The same with streams the server really has, each on a server of its own.
func TestOpenRefusesAStream(t *testing.T) {
	for _, field := range []string{
		"Storage", "NoAck", "AllowAtomicPublish", "AllowDirect", "DenyDelete", "DenyPurge",
		"AllowMsgTTL", "Retention", "Discard", "MaxMsgs", "MaxBytes", "MaxAge",
		"MaxMsgsPerSubject", "MaxMsgSize", "Subjects", "FirstSeq",
	} {
		_, nc := connect(t, t.TempDir())
		create(t, nc, spoiled[field])
		_, err := Open(t.Context(), nc, Config{})
		var ce *ConfigError
		if !errors.As(err, &ce) || ce.Field != field {
			t.Errorf("%s spoiled: %v", field, err)
		}
	}
}

// A stream that persists asynchronously cannot have atomic batches, so the server
// makes it only without them; the mode is what is refused first.
func TestOpenRefusesAsyncPersistence(t *testing.T) {
	_, nc := connect(t, t.TempDir())
	create(t, nc, func(c *jetstream.StreamConfig) {
		c.PersistMode, c.AllowAtomicPublish = jetstream.AsyncPersistMode, false
	})
	_, err := Open(t.Context(), nc, Config{})
	var ce *ConfigError
	if !errors.As(err, &ce) || ce.Field != "PersistMode" {
		t.Errorf("Open: %v", err)
	}
}

// withHoles is a history of ten messages on a stream that lets them be deleted,
// which Open refuses, without the messages at holes.
func withHoles(t *testing.T, holes ...uint64) (*nats.Conn, *History) {
	t.Helper()
	_, nc := connect(t, t.TempDir())
	s := create(t, nc, spoiled["DenyDelete"])
	h := attach(nc, Config{})
	mustAppend(t, h, 10)
	for _, seq := range holes {
		if err := s.DeleteMsg(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	return nc, h
}

func TestGaps(t *testing.T) {
	for _, c := range []struct {
		holes []uint64
		want  GapError
	}{
		{[]uint64{1}, GapError{Want: 1, Got: 2}},
		{[]uint64{5}, GapError{Want: 5, Got: 6}},
		{[]uint64{5, 6, 7}, GapError{Want: 5, Got: 8}},
		{[]uint64{10}, GapError{Want: 10}},
		{[]uint64{8, 9, 10}, GapError{Want: 8}},
	} {
		_, h := withHoles(t, c.holes...)
		var gap *GapError
		next := events.Seq(1)
		for m, err := range h.Replay(t.Context(), 1, 10) {
			if err != nil {
				if !errors.As(err, &gap) {
					t.Fatal(err)
				}
				continue
			}
			if gap != nil || m.Seq != next {
				t.Fatalf("holes %v: yielded %d after %d", c.holes, m.Seq, next-1)
			}
			next++
		}
		if gap == nil || *gap != c.want || next != c.want.Want {
			t.Errorf("holes %v: ended before %d with %v, want %v", c.holes, next, gap, &c.want)
		}
		if _, err := h.Read(t.Context(), c.want.Want); !errors.As(err, &gap) || gap.Want != c.want.Want {
			t.Errorf("holes %v: Read(%d): %v", c.holes, c.want.Want, err)
		}
	}
}

// The state alone gives a hole away, whatever the configuration says by then.
func TestOpenRefusesHoles(t *testing.T) {
	for _, holes := range [][]uint64{{1}, {5}, {10}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}} {
		nc, _ := withHoles(t, holes...)
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.UpdateStream(t.Context(), wanted(Config{}.withDefaults())); err != nil {
			t.Fatal(err)
		}
		_, err = Open(t.Context(), nc, Config{})
		if err == nil {
			t.Errorf("opened a history without the messages %v", holes)
		}
		var gap *GapError
		if holes[0] == 1 && (!errors.As(err, &gap) || gap.Want != 1) {
			t.Errorf("opened without the messages %v: %v, want a GapError at 1", holes, err)
		}
	}
}
