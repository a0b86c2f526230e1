package adapt

import "time"

// exampleTime is invented, like everything about the example.
var exampleTime = time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)

// ExampleOrganization is an invented organization to try a Daybook with, and
// its dataset, system and activity. Every name says that it is invented, so
// that nobody counts its records with real ones.
func ExampleOrganization() []Event {
	const organization = "example"
	reg := register{source: organization + "/register", time: exampleTime}
	say := func(kind, reference string, data map[string]any) Event {
		return reg.event(kind, reference, "registered", organization, data)
	}
	return []Event{
		say("organization.registered", organization, map[string]any{
			"name": "Example (invented)", "kind": "other", "timeZone": "UTC",
		}),
		say("dataset.registered", "example/records", map[string]any{
			"dataset": "example/records", "title": "Records (invented)",
			"classification": "Private", "pii": "direct",
		}),
		say("system.registered", "example/app", map[string]any{
			"system": "example/app", "name": "Application (invented)", "kind": "application",
			"description": "Invented, to try a Daybook with. It does not exist.",
			"datasets":    []string{"example/records"},
		}),
		say("activity.registered", "example/service", map[string]any{
			"activity": "example/service", "title": "Service (invented)",
			"purposes": []string{"RequestedServiceProvision"}, "legalBasis": "PublicInterest",
			"datasets": []string{"example/records"}, "systems": []string{"example/app"},
		}),
	}
}
