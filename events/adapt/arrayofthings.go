package adapt

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"
)

// The files ArrayOfThings reads.
const (
	aotNodes      = "array-of-things/plenario/nodes.csv"
	aotEvents     = "array-of-things/plenario/events.csv"
	aotParameters = "array-of-things/AoT_Chicago/sensors.csv"
)

const (
	aotOrganization = "array-of-things"
	aotModel        = "aot/node"
)

// ArrayOfThings is the node register of the Array of Things in Chicago, as
// register events: the organization, the model its nodes point to, the nodes,
// and last the commissionings of nodes the register does not hold. fsys is
// laid out as testdata/records.
func ArrayOfThings(fsys fs.FS) ([]Event, error) {
	nodes, err := readRows(fsys, aotNodes, "node_id", "vsn", "address", "lat", "lon", "description")
	if err != nil {
		return nil, err
	}
	commissioned, err := readCommissionings(fsys)
	if err != nil {
		return nil, err
	}
	reg := register{source: aotOrganization + "/register", time: latest(commissioned)}
	model, err := aotModelEvent(fsys, reg)
	if err != nil {
		return nil, err
	}
	events := []Event{aotOrganizationEvent(reg), model}
	known := map[string]bool{}
	starts := startsOf(commissioned)
	for _, n := range nodes {
		since, of := starts[n.text("node_id")], reg
		if !since.IsZero() {
			of.time = since
		}
		e, err := aotNodeEvent(of, n, since)
		if err != nil {
			return nil, err
		}
		known[n.text("node_id")] = true
		events = append(events, e)
	}
	return append(events, strangers(reg, commissioned, known)...), nil
}

func aotOrganizationEvent(reg register) Event {
	return reg.event("organization.registered", aotOrganization, "registered", aotOrganization, map[string]any{
		"name":     "Array of Things",
		"kind":     "other", // several bodies run it together
		"timeZone": "America/Chicago",
	})
}

// aotModelEvent registers what every node can measure, one capability for
// each parameter of each sensor: subsystem/sensor/parameter.
func aotModelEvent(fsys fs.FS, reg register) (Event, error) {
	rows, err := readRows(fsys, aotParameters, "subsystem", "sensor", "parameter")
	if err != nil {
		return Event{}, err
	}
	capabilities := make([]string, len(rows))
	for i, r := range rows {
		if capabilities[i], err = reference(r.text("subsystem"), r.text("sensor"), r.text("parameter")); err != nil {
			return Event{}, r.at(err)
		}
	}
	return reg.event("system.registered", aotModel, "registered", aotOrganization, map[string]any{
		"system":       aotModel,
		"name":         "Array of Things node",
		"kind":         "sensor-model",
		"description":  fmt.Sprintf("The %d parameters that the sensors of a node measure.", len(rows)),
		"capabilities": capabilities,
	}), nil
}

// aotNodeEvent registers one node; starts is zero if nothing says when it was
// commissioned.
func aotNodeEvent(reg register, n row, starts time.Time) (Event, error) {
	system, err := reference("aot", n.text("node_id"))
	if err != nil {
		return Event{}, n.at(err)
	}
	place, err := placeOf(n)
	if err != nil {
		return Event{}, err
	}
	data := map[string]any{"system": system, "name": n.text("vsn"), "kind": "sensor-node", "model": aotModel}
	addText(data, "description", n.text("description"))
	if !starts.IsZero() {
		data["starts"] = starts.Format(time.DateOnly)
	}
	if len(place) > 0 {
		data["place"] = place
	}
	return reg.event("system.registered", system, "registered", aotOrganization, data), nil
}

var coordinate = regexp.MustCompile(`^-?[0-9]{1,3}(\.[0-9]{1,15})?$`)

// placeOf is where a node stands. Coordinates stay text, digit for digit;
// TBD, nothing, and 0,0 off the coast of Africa all mean unknown.
func placeOf(n row) (map[string]any, error) {
	place := map[string]any{}
	if a := n.text("address"); a != "TBD" {
		addText(place, "address", a)
	}
	lat, lon := n.text("lat"), n.text("lon")
	if unknown(lat) || unknown(lon) || isZero(lat) && isZero(lon) {
		return place, nil
	}
	for _, c := range []string{lat, lon} {
		if !coordinate.MatchString(c) {
			return nil, n.at(fmt.Errorf("reading the coordinate %q: want a decimal number or TBD", c))
		}
	}
	place["lat"], place["lon"] = lat, lon
	return place, nil
}

func unknown(c string) bool { return c == "" || strings.EqualFold(c, "TBD") }
func isZero(c string) bool  { return strings.Trim(c, "-0.") == "" }

func addText(m map[string]any, name, text string) {
	if text != "" {
		m[name] = text
	}
}

// commissioning is one line of the events file.
type commissioning struct {
	node, system string
	at           time.Time
}

func (c commissioning) date() string { return c.at.Format(time.DateOnly) }

// readCommissionings refuses what it would have to drop: an event of another
// sort, or a second commissioning of the same node.
func readCommissionings(fsys fs.FS) ([]commissioning, error) {
	rows, err := readRows(fsys, aotEvents, "node_id", "timestamp", "event")
	if err != nil {
		return nil, err
	}
	var all []commissioning
	seen := map[string]bool{}
	for _, r := range rows {
		c := commissioning{node: r.text("node_id")}
		if r.text("event") != "commissioned" || seen[c.node] {
			return nil, r.at(fmt.Errorf("reading the event %q of node %s: want one commissioning", r.text("event"), c.node))
		}
		seen[c.node] = true
		if c.system, err = reference("aot", c.node); err != nil {
			return nil, r.at(err)
		}
		if c.at, err = r.instant("timestamp", "2006/01/02 15:04:05"); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func startsOf(all []commissioning) map[string]time.Time {
	starts := make(map[string]time.Time, len(all))
	for _, c := range all {
		starts[c.node] = c.at
	}
	return starts
}

func latest(all []commissioning) time.Time {
	var last time.Time
	for _, c := range all {
		if c.at.After(last) {
			last = c.at
		}
	}
	return last
}

// strangers says the commissionings of nodes outside the register, each at its
// own time. The ledger publishes them with the node unresolved.
func strangers(reg register, all []commissioning, known map[string]bool) []Event {
	var events []Event
	for _, c := range all {
		if known[c.node] {
			continue
		}
		reg.time = c.at
		events = append(events, reg.event("system.changed", c.system, "commissioned", aotOrganization,
			map[string]any{"system": c.system, "starts": c.date()}))
	}
	return events
}
