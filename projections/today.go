package projections

import (
	"fmt"
	"time"
)

// calendar tells what day it is at one instant, for each organization in its own
// time zone. Only answers look at it: the table of time zones changes, so a fold
// may not.
type calendar struct {
	zones zones
	asOf  time.Time
}

func (r Reader) calendar(asOf time.Time) calendar {
	return calendar{zones{r, map[string]*time.Location{}}, asOf}
}

func (c calendar) today(organization string) (string, error) {
	zone, err := c.zones.of(organization)
	if err != nil {
		return "", fmt.Errorf("reading what day it is: %w", err)
	}
	return c.asOf.In(zone).Format(time.DateOnly), nil
}
