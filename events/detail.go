package events

import "errors"

// OpenDetail opens what the head of a bulk event says to a person whom one of its
// parts names, with the key that [ParsePartSlip] found in her slip. The head has a
// box for each way of standing to its matter, of which the key opens one.
func OpenDetail(head Message, detail [32]byte) (Slip, error) {
	c, err := NewBoxCipher(BoxKey(BoxPerson.String(), detail[:]))
	if err != nil {
		return nil, err
	}
	ad := HashEntry(head.Entry)
	for _, box := range head.Boxes {
		if box.Kind != BoxPerson {
			continue
		}
		if plain, err := c.Open(ad[:], box.Data); err == nil {
			return ParseSlip(plain)
		}
	}
	return nil, errors.New("opening what a head says to the persons concerned: the key opens none of its boxes")
}
