package emit_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/daybook-ledger/daybook/events"
	"github.com/daybook-ledger/daybook/events/emit"
)

// A service opens its outbox when it starts and emits as it works. Emit returns
// when the event is on this machine's disk; whether the ledger is up does not
// matter then.
func Example() {
	ledger := emit.NewTestLedger() // yours is at http://127.0.0.1:8480, and daybook token makes the token
	defer ledger.Close()
	dir, _ := os.MkdirTemp("", "outbox")
	defer os.RemoveAll(dir)

	outbox, err := emit.Open(dir, ledger.URL, "token")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer outbox.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	go func() {
		if err := outbox.Run(ctx); err != nil {
			fmt.Println(err) // as that the token is unknown; the events are kept
		}
	}()

	err = outbox.Emit(ctx, emit.Event{
		Source: "city/permits",
		Kind:   "data.accessed",
		Data: map[string]any{
			"system": "city/permits", "operation": "Consult", "outcome": "success",
			"dataset": "city/residents", "reasonText": "renewal of a permit",
			"subjects": map[string]any{"mode": "single", "persons": []any{
				map[string]any{"scheme": "example", "value": "anna"},
			}},
		},
	})
	fmt.Println("kept:", err == nil)

	// What no ledger would take is refused here, with the place.
	err = outbox.Emit(ctx, emit.Event{Source: "city/permits", Kind: "data.accessed", Data: map[string]any{"system": "Mr Smith"}})
	var problem *events.Problem
	fmt.Println("refused:", errors.As(err, &problem))

	// Before it ends, a service may wait for the answers.
	if err := outbox.Flush(ctx); err != nil {
		fmt.Println(err) // they are sent when it starts again
	}

	// Now and then, it holds the ledger to its promises.
	report, err := outbox.CheckReceipts(ctx, ledger.Key)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("promises kept:", report.Kept, "broken:", len(report.Broken))
	// Output:
	// kept: true
	// refused: true
	// promises kept: 1 broken: 0
}
