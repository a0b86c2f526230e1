package stream

import (
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/events"
)

// ConfigError names a field of the stream's configuration under which the history
// could lose, change or skip a message.
type ConfigError struct {
	Field string // as the client library names it
	Value string // what the server reports
	Want  string // what the history needs
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("the stream's %s is %s, the history needs %s", e.Field, e.Value, e.Want)
}

// wanted is the configuration of a new stream. cfg has its defaults.
func wanted(cfg Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               cfg.Name,
		Description:        "the history of a daybook: append-only",
		Subjects:           []string{cfg.Subject},
		Retention:          jetstream.LimitsPolicy,
		MaxConsumers:       -1,
		MaxMsgs:            -1,
		MaxBytes:           -1,
		MaxMsgsPerSubject:  -1,
		MaxMsgSize:         -1,
		Discard:            jetstream.DiscardNew,
		Storage:            jetstream.FileStorage,
		Replicas:           cfg.Replicas,
		DenyDelete:         true,
		DenyPurge:          true,
		AllowDirect:        true,
		AllowAtomicPublish: true,
		PersistMode:        jetstream.DefaultPersistMode,
	}
}

// rule is one thing the configuration must satisfy.
type rule struct {
	field string
	ok    bool
	value any
	want  string
}

// checkConfig holds what the server reports against what the history needs.
// Fields that change neither durability nor numbering are the operator's.
func checkConfig(got jetstream.StreamConfig, cfg Config) error {
	for _, r := range slices.Concat(durability(got, cfg), permanence(got), numbering(got, cfg)) {
		if !r.ok {
			return &ConfigError{Field: r.field, Value: fmt.Sprint(r.value), Want: r.want}
		}
	}
	return nil
}

// durability: an acknowledgement exists and means stored.
func durability(got jetstream.StreamConfig, cfg Config) []rule {
	return []rule{
		{"Storage", got.Storage == jetstream.FileStorage, got.Storage, "file storage"},
		{"PersistMode", got.PersistMode == jetstream.DefaultPersistMode, got.PersistMode, "the default mode"},
		{"NoAck", !got.NoAck, got.NoAck, "acknowledgements"},
		{"Replicas", got.Replicas >= cfg.Replicas, got.Replicas, fmt.Sprintf("at least %d", cfg.Replicas)},
		{"AllowAtomicPublish", got.AllowAtomicPublish, got.AllowAtomicPublish, "atomic batches"},
		{"AllowDirect", got.AllowDirect, got.AllowDirect, "direct reads"},
	}
}

// permanence: nothing stored goes away by request, age or room.
func permanence(got jetstream.StreamConfig) []rule {
	return []rule{
		{"DenyDelete", got.DenyDelete, got.DenyDelete, "deletion denied"},
		{"DenyPurge", got.DenyPurge, got.DenyPurge, "purging denied"},
		{"AllowRollup", !got.AllowRollup, got.AllowRollup, "rollups denied"},
		{"AllowMsgTTL", !got.AllowMsgTTL, got.AllowMsgTTL, "messages without expiry"},
		{"AllowMsgSchedules", !got.AllowMsgSchedules, got.AllowMsgSchedules, "no scheduled messages"},
		{"Retention", got.Retention == jetstream.LimitsPolicy, got.Retention, "limits retention"},
		{"Discard", got.Discard == jetstream.DiscardNew, got.Discard, "to discard the new, not the old"},
		{"MaxMsgs", got.MaxMsgs <= 0, got.MaxMsgs, "no limit"},
		{"MaxBytes", got.MaxBytes <= 0, got.MaxBytes, "no limit"},
		{"MaxAge", got.MaxAge == 0, got.MaxAge, "no limit"},
		{"MaxMsgsPerSubject", got.MaxMsgsPerSubject <= 0, got.MaxMsgsPerSubject, "no limit"},
		{"MaxMsgSize", got.MaxMsgSize <= 0, got.MaxMsgSize, "no limit"},
	}
}

// numbering: our messages, unchanged, counted from 1, and nothing between them.
func numbering(got jetstream.StreamConfig, cfg Config) []rule {
	return []rule{
		{"Name", got.Name == cfg.Name, got.Name, cfg.Name},
		{"Subjects", slices.Equal(got.Subjects, []string{cfg.Subject}), got.Subjects, "only " + cfg.Subject},
		{"FirstSeq", got.FirstSeq <= 1, got.FirstSeq, "to start at 1"},
		{"Sealed", !got.Sealed, got.Sealed, "an open stream"},
		{"Mirror", got.Mirror == nil, "set", "none"},
		{"Sources", len(got.Sources) == 0, len(got.Sources), "none"},
		{"SubjectTransform", got.SubjectTransform == nil, "set", "none"},
		{"AllowMsgCounter", !got.AllowMsgCounter, got.AllowMsgCounter, "messages stored as sent"},
	}
}

// checkState accepts an empty stream that never held a message, or one that holds
// every message from 1.
func checkState(st jetstream.StreamState) error {
	if st.LastSeq == 0 {
		return nil
	}
	if st.FirstSeq != 1 {
		e := &GapError{Want: 1}
		if st.FirstSeq <= st.LastSeq {
			e.Got = events.Seq(st.FirstSeq)
		}
		return e
	}
	if st.NumDeleted != 0 || st.Msgs != st.LastSeq {
		return fmt.Errorf("the history lacks %d of its %d messages", st.LastSeq-st.Msgs, st.LastSeq)
	}
	return nil
}
