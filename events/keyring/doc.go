// Package keyring holds the secrets of one ledger: a root key for every
// person, the keys shared by organization and month, and the keys that sign.
//
// # Promise
//
// A root key K is on disk, fsynced, before anything is derived from it, and
// once used it is never replaced: a person who was prepared but whose
// enrolment never reached the history is found again as pending, with the
// same K. One process holds a keyring at a time. Identifiers are stored
// nowhere; a person is found through a keyed hash of hers. Whatever holds a
// secret prints as its length only.
//
// # What is derived
//
// Integers are big-endian. HKDF is HKDF-SHA256 without salt, 32 bytes out;
// HMAC is HMAC-SHA256; ‖ joins.
//
//	event key    HKDF(ledger secret, "daybook/event-key/1")
//	fold key     HKDF(ledger secret, "daybook/fold-key/1")
//	content key  HKDF(ledger secret, "daybook/content-key/1")
//	lookup key   HKDF(ledger secret, "daybook/lookup-key/1")
//	box key      HKDF(key ‖ key ‖ …, "daybook/<box>/1"), every key 32 bytes
//
//	event name   HMAC(event key, u32 len(source) ‖ source ‖ id)[:16]
//	content      HMAC(content key, canonical event); for a person's event under
//	             HKDF(content key ‖ K, "daybook/content/1"), so that erasing K
//	             ends every comparison
//	pseudonym    base64url(HMAC(index key, u8 len(what) ‖ what ‖ value)[:16]),
//	             what = "actor" / "case"
//	lookup       HMAC(lookup key, u8 len ‖ scheme ‖ u16 len ‖ identifier)
//
//	label input  u8 len ‖ scheme ‖ u16 len ‖ identifier ‖ u32 generation
//	label        the 64-byte output of C2SP vrf-r255 over the label input
//	commitment   SHA-256("daybook/commitment@1\n" ‖ label ‖ K)
//	event key i  k_i = HMAC(K, "daybook/event" ‖ u64 i), i = 1, 2, 3 …
//	tag i        T_i = HMAC(k_i, "tag")[:16]
//	box          nonce (12, random) ‖ AES-256-GCM ciphertext ‖ tag (16)
//
// # The directory
//
// Directories are 0700, files 0600.
//
//	lock                             held by flock while the keyring is open
//	ledger                           key file: the ledger secret
//	vrf                              key file: the VRF private scalar
//	log, receipt, index              a note signer key and a newline; their names
//	                                 are <origin>, <origin>/receipt, <origin>/index
//	organizations/<ref>              key file: the organization's index key
//	months/<ref>/<YYYY-MM>           key file: the key of a UTC month of recording
//	persons                          the persons file
//	creating                         present only while the keyring is being made
//
// <ref> is the lower-case hex SHA-256 of the organization's reference. A key
// file is 32 bytes followed by a check, SHA-256("daybook/key-file@1\n" ‖ path
// below the directory ‖ "\n" ‖ key)[:8], so that a damaged or misplaced key is
// refused instead of quietly deriving other names.
//
// # The persons file
//
//	file   = "daybook/persons@1" LF *frame
//	frame  = u32 length, hcheck, body, check
//	hcheck = SHA-256(u64 offset of the frame ‖ length)[:8]
//	check  = SHA-256(u64 offset of the frame ‖ length ‖ body)[:16]
//	body   = u16 marks, marks * handle, u16 people, people * person
//	person = lookup (32), handle (16), u32 generation, K (32), label (64)
//
// A frame is one append, one fsync and the unit that survives or not. A person
// is pending from the frame that holds her until a later frame marks her
// handle as enrolled; no handle, no pair of lookup and generation, and no mark
// stands twice. A frame holds at most 4,096 of each and at least one.
//
// # What a crash does
//
// While the keyring is made, "creating" is the first file written and the last
// removed; finding it means that no key was ever handed out, and everything is
// made again. A single key file is written aside, fsynced and renamed, and its
// directory fsynced, before its key is used.
//
// At most one frame is ever not fsynced, the last. When the persons file ends
// inside a frame, or from the start of a frame holds nothing but zeros, that
// append was cut short, nobody was told its keys, and it is cut off. Anything
// else that does not check is damage: opening fails, names the offset and
// changes nothing, because cutting there could destroy the key of somebody
// enrolled.
//
// What a killed process had written but not fsynced is read by the next one like
// anything else, so opening fsyncs the persons file and the directory, and the
// first use of a key file its directory, before a key found there is used.
//
// Marks of enrolment wait in memory and ride in the next frame, or in one of
// their own at Close. Losing them costs nothing: the history says who is
// enrolled, and the writer's book marks them again.
//
// # What it does not promise
//
// The files are not encrypted: who reads the directory reads everything. The
// persons file only grows, so a person cannot be erased from it alone. Whether
// a truncated file lost an acknowledged frame cannot be seen here; the writer
// sees it, when the history names a handle that [Keyring.ByHandle] does not
// know.
package keyring
