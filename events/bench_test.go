package events

import "testing"

const registered = `{"specversion":"1.0","id":"1","source":"city/reg","type":"org.daybook.system.registered.v1",
 "time":"2026-06-24T08:30:00Z","data":{"system":"city/cam-1","name":"Camera 1","kind":"camera","starts":"2026-06-24",
 "place":{"address":"Main Street 1","lat":"41.878377","lon":"-87.627678"},"datasets":["city/images","city/counts"]}}`

// samples are events with what the writer adds, one of each shape.
func samples(tb testing.TB) map[string]func() (*Entry, error) {
	single, register := facts, facts
	single.Digests = digests(14)
	register.Tags, register.Digests = nil, digests(3)
	person, system := mustEvent(tb, accessed), mustEvent(tb, registered)
	return map[string]func() (*Entry, error){
		"person":   func() (*Entry, error) { return person.Entry(single) },
		"register": func() (*Entry, error) { return system.Entry(register) },
	}
}

func BenchmarkParseEntry(b *testing.B) {
	for name, entry := range samples(b) {
		e, err := entry()
		if err != nil {
			b.Fatal(err)
		}
		text := e.Append(nil)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := ParseEntry(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEntry(b *testing.B) {
	for name, entry := range samples(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := entry(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseEvent(b *testing.B) {
	for name, text := range map[string]string{"person": accessed, "register": registered} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseEvent([]byte(text)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
