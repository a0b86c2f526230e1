package events

// Class says who may see a field.
type Class uint8

const (
	Public     Class = iota + 1 // P: in clear, one closed grammar
	PublicText                  // T: written for publication, register kinds only
	Committed                   // C: only its digest is public; opened for the person
	SealedAll                   // S, O: opened for the person concerned and for officers
	Officers                    // O: opened for officers and auditors
	Hers                        // S: opened for the person concerned alone
)

// Type is the grammar of a field's value.
type Type uint8

const (
	Reference  Type = iota + 1 // [a-z0-9][a-z0-9._/@-]{0,95}
	Coded                      // a term of the field's code list
	Date                       // 2026-06-24
	Instant                    // RFC 3339; published as a day in data kinds
	Period                     // ISO 8601 duration of whole numbers, as P30D
	Count                      // integer in, bucket out
	Number                     // integer from 0
	Flag                       // true or false
	Link                       // https URL
	Decimal                    // coordinate as given, text of up to 3 and 15 digits
	Hash                       // SHA-256 in 64 hexadecimal digits, as sha256sum prints it
	Zone                       // IANA time zone name
	Prose                      // text of up to 2,000 characters
	Line                       // text of up to 512 characters without a line break
	Persons                    // subjects: {mode, persons[]} in, {mode, tags[]} out
	Name                       // event name: {organization, source, id} in, 22 characters out
	Named                      // event name as the ledger published it, 22 characters
	Quarter                    // of a year, 2026-Q4
	Month                      // of a year, 2026-06
	Key                        // 32 bytes in base64url
	WitnessKey                 // verifier key of a cosigner, as c2sp.org/signed-note writes it
	Policy                     // c2sp.org/tlog-policy in its one form, without logs, comments and addresses
)

// Field is one line of a kind's table.
type Field struct {
	Path     string // dotted: scope.unit is member unit of object scope
	Shown    string // its path in the entry where that is another, else ""
	Type     Type
	Class    Class
	Code     *Code  // of a Coded field
	List     bool   // up to MaxList values
	Required bool   // marked * in the table
	Register string // the register that must know the reference, "" for none
}

// MaxList bounds the values of a list field.
const MaxList = 400

func (f Field) must() Field { f.Required = true; return f }
func (f Field) many() Field { f.List = true; return f }

// shown is the field's path in the entry.
func (f *Field) shown() string {
	if f.Shown != "" {
		return f.Shown
	}
	return f.Path
}

// isPrivate says that f is committed when exactly one person is concerned:
// which data is about her is hers to know.
func (f *Field) isPrivate() bool { return f.Register == "dataset" }

// isPublic says that the entry shows the field.
func (f *Field) isPublic() bool { return f.Class == Public || f.Class == PublicText }

// as gives the field another path in the entry, where an entry's own member has
// that name.
func (f Field) as(path string) Field { f.Shown = path; return f }

func ref(path, register string) Field {
	return Field{Path: path, Type: Reference, Class: Public, Register: register}
}

func code(path string, c *Code) Field {
	return Field{Path: path, Type: Coded, Class: Public, Code: c}
}

func plain(path string, t Type) Field { return Field{Path: path, Type: t, Class: Public} }
func prose(path string) Field         { return Field{Path: path, Type: Prose, Class: PublicText} }
func sealedCode(path string, c *Code, class Class) Field {
	return Field{Path: path, Type: Coded, Class: class, Code: c}
}

func sealed(path string, t Type, c Class) Field {
	return Field{Path: path, Type: t, Class: c}
}
