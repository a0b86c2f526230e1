package adapt

import (
	"fmt"
	"io/fs"
	"strconv"
	"time"
)

// eugeneSearches is the file both functions read.
const eugeneSearches = "eugene-plate-reader/eugene_first500_masked.csv"

const (
	eugeneOrganization = "eugene-police"
	eugeneOperator     = "flock-safety"
	eugeneSystem       = "eugene-police/flock-search"
	eugeneDataset      = "eugene-police/plate-reads"
	eugeneActivity     = "eugene-police/plate-search"
)

// EugeneRegister is what the searches of Eugene's police refer to: two
// organizations, a dataset with its retention, a system and an activity. The
// activity has neither legal basis nor purpose, as none is published. fsys is
// laid out as testdata/records.
func EugeneRegister(fsys fs.FS) ([]Event, error) {
	rows, err := readSearches(fsys)
	if err != nil {
		return nil, err
	}
	first, err := firstDay(rows)
	if err != nil {
		return nil, err
	}
	reg := register{source: eugeneOrganization + "/register", time: first}
	say := func(kind, reference, happened string, data map[string]any) Event {
		return reg.event(kind, reference, happened, eugeneOrganization, data)
	}
	return []Event{
		say("organization.registered", eugeneOrganization, "registered", map[string]any{
			"name": "Eugene Police Department", "kind": "police", "timeZone": "America/Los_Angeles",
		}),
		reg.event("organization.registered", eugeneOperator, "registered", eugeneOperator, map[string]any{
			"name": "Flock Safety", "kind": "company", "timeZone": "America/New_York",
		}),
		say("dataset.registered", eugeneDataset, "registered", map[string]any{
			"dataset": eugeneDataset, "title": "Licence plate reads",
		}),
		say("retention.set", eugeneDataset, "retention", map[string]any{
			"dataset": eugeneDataset, "period": "P30D",
		}),
		say("system.registered", eugeneSystem, "registered", map[string]any{
			"system": eugeneSystem, "name": "Flock search", "kind": "application",
			"description": "Search over the reads of licence plate readers.",
			"operator":    eugeneOperator, "datasets": []string{eugeneDataset},
		}),
		say("activity.registered", eugeneActivity, "registered", map[string]any{
			"activity": eugeneActivity, "title": "Searches of licence plate reads",
			"datasets": []string{eugeneDataset}, "systems": []string{eugeneSystem},
		}),
	}, nil
}

// EugeneSearches is one data.accessed for each published search, in the order
// of the file and with its ids. It does not name the organization, as the
// emitter's token does. fsys is laid out as testdata/records.
func EugeneSearches(fsys fs.FS) ([]Event, error) {
	rows, err := readSearches(fsys)
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(rows))
	for i, r := range rows {
		if events[i], err = eugeneSearch(r); err != nil {
			return nil, err
		}
	}
	return events, nil
}

func readSearches(fsys fs.FS) ([]row, error) {
	return readRows(fsys, eugeneSearches, "id", "userId", "searchDate", "cameraCount", "reason")
}

func eugeneSearch(r row) (Event, error) {
	at, err := searched(r)
	if err != nil {
		return Event{}, err
	}
	cameras, err := strconv.ParseUint(r.text("cameraCount"), 10, 53)
	if err != nil {
		return Event{}, r.at(fmt.Errorf("reading the number of cameras: %w", err))
	}
	if r.text("id") == "" {
		return Event{}, r.at(fmt.Errorf("reading the id: it is empty"))
	}
	data := map[string]any{
		"system": eugeneSystem, "dataset": eugeneDataset, "activity": eugeneActivity,
		"operation": "Query", "outcome": "unstated",
		"scope":    map[string]any{"unit": "camera", "count": cameras},
		"subjects": map[string]any{"mode": "unknown"},
	}
	if user := r.text("userId"); user != "" {
		data["actor"] = map[string]any{"id": user}
	}
	addText(data, "reasonText", r.values["reason"]) // evidence: as typed, spaces and all
	return Event{
		ID:     r.text("id"),
		Source: eugeneSystem,
		Type:   kindType("data.accessed"),
		Time:   at.Format("2006-01-02T15:04:05.000Z07:00"),
		Data:   data,
	}, nil
}

// searched is when, in UTC, as the portal writes it.
func searched(r row) (time.Time, error) {
	return r.instant("searchDate", "2006-01-02 15:04:05.000")
}

// firstDay is the start of the UTC day of the earliest search.
func firstDay(rows []row) (time.Time, error) {
	first, err := searched(rows[0])
	for _, r := range rows {
		at, problem := searched(r)
		if problem != nil {
			return time.Time{}, problem
		}
		if at.Before(first) {
			first = at
		}
	}
	return first.Truncate(24 * time.Hour), err
}
