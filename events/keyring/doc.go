// Package keyring holds the secrets of one ledger: a root key for every
// person, the keys shared by organization and month, and the keys that sign.
// Forgetting a person is destroying hers.
//
// # Promise
//
// A root key K is on disk, fsynced, before anything is derived from it, and it
// is never replaced while it is here: a person who was prepared but whose
// enrolment never reached the history is found again with the same K, and so is
// the K of a next generation that no event uses yet. What was
// erased does not come back, whenever the machine stops: no file here opens it
// then, not with the master key either. Everything below the directory is
// sealed under a master key that lies elsewhere. One process holds a keyring at
// a time. Identifiers are stored nowhere; a person is found through a keyed
// hash of hers. Whatever holds a secret prints as its length only.
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
//	content      HMAC(content key, canonical event); for an event that names persons under
//	             HKDF(content key ‖ K ‖ K …, "daybook/content/1"), K being that of the
//	             earliest generation here, so that erasing one person ends every comparison
//	pseudonym    base64url(HMAC(index key, u8 len(what) ‖ what ‖ value)[:16]),
//	             what = "actor" / "case"
//	lookup       HMAC(lookup key, identifier)
//
//	identifier   u8 len ‖ scheme ‖ u16 len ‖ value, normalized; of a hidden trail
//	             scheme = "seal", value = u8 len ‖ seal ‖ identifier of the person
//	label input  identifier ‖ u32 generation
//	label        the 64-byte output of C2SP vrf-r255 over the label input
//	commitment   SHA-256("daybook/commitment@1\n" ‖ label ‖ K)
//	event key i  k_i = HMAC(K, "daybook/event" ‖ u64 i), i = 1, 2, 3 …
//	tag i        T_i = HMAC(k_i, "tag")[:16]
//	box          nonce (12, random) ‖ AES-256-GCM ciphertext ‖ tag (16)
//
//	handle       the first 12 bits of her lookup, then 116 random bits; of a
//	             hidden trail the first 12 bits of its person's handle
//	shred name   SHA-256("daybook/shredded@1\n" ‖ handle)[:16]
//
// A person's first generation here is the first, from 1, whose label the history
// has not enrolled; a hidden trail's the first such from its person's generation
// on. Nothing of an erased person stays to count them. When her trail is to go on
// under another key, [Keyring.PrepareNext] mints the next generation, under the same
// handle; which one an event was made with only the history says.
//
// # The master key
//
// 32 random bytes, kept by a [Master]: a file outside the directory, an
// environment variable, or a file encrypted to an age identity. What it seals
// names it by SHA-256("daybook/master-id@1\n" ‖ key)[:8] and holds nothing else
// of it. A new keyring stores one before it seals anything; a keyring whose
// master key is missing is refused.
//
// # The directory
//
// Directories are 0700, files 0600. A name with ".new" is not whole yet.
//
//	lock, escrow.lock          held by flock, the first while the keyring is open,
//	                           the second while an escrow is written or the master
//	                           key changes; empty
//	ledger                     sealed: the ledger secret
//	vrf                        sealed: the VRF private scalar
//	log, receipt, index        sealed: a note signer key and a newline; their names
//	                           are <origin>, <origin>/receipt, <origin>/index
//	organizations/<ref>        sealed: the organization's index key
//	months/<ref>/<YYYY-MM>     sealed: the key of a UTC month of recording
//	months/<ref>/ended         sealed: the latest month whose key was destroyed
//	buckets/<000 to fff>       records of the persons whose handle begins so; made
//	                           with the first of them
//	pending                    records that are not in their buckets yet
//	replayed                   sealed: u64 sequence, how far destructions on record
//	                           were carried out here
//	rotated                    sealed: u64 seconds, a rotation not on record yet
//	escrow                     sealed: u64 seconds until when an escrow may be there,
//	                           u64 seconds after which each is replaced
//	creating, restoring        present only while the keyring is being made, or put
//	                           back; empty
//
// <ref> is the lower-case hex SHA-256 of the organization's reference. A sealed
// file is
//
//	"daybook/key-file@1" LF, master id, box
//
// under HKDF(master key, "daybook/key-file/1"), with everything before the box
// and then the path below the directory as associated data, so that a damaged
// or misplaced key is refused instead of quietly deriving other names.
//
// # Files of records
//
//	bucket  = "daybook/bucket@1" LF, header, *frame
//	pending = "daybook/pending@1" LF, header, *frame
//	header  = master id, box of the file's own key under HKDF(master key,
//	          "daybook/bucket/1"), associated data u16 number
//	frame   = u32 length of box, hcheck, box
//	hcheck  = SHA-256(u64 offset of the frame ‖ length)[:8]
//	box     = 1 to 4,096 records, under the file's own key, associated data
//	          u16 number ‖ u64 offset of the frame
//	record  = lookup (32), handle (16), handle of the main trail (16, zero for a
//	          person's own), u32 generation, K (32), label (64)
//
// number is the bucket, 0 to 4,095, and 4,096 for the pending ones. A frame is
// one append and the unit that survives or not. The same record may stand
// twice, and records that differ in generation, K and label alone are generations
// of one person; any others that share a lookup or a handle are damage.
//
// New persons are appended to the one pending file, with one sync for all of a
// batch, since the thousand of a batch belong to some nine hundred buckets.
// When 4,096 records wait, and at Open and Close, they are moved: appended to
// their buckets, each synced, and then a new pending file under a new key takes
// the place of the old one.
//
// Buckets are read at their first use and kept while there is room
// ([Config.MaxRecords]); the pending records are always in memory.
//
// # Destroying
//
// A bucket loses records by being written anew under a new key, whole and
// synced beside the old one; then the wrapped key in the old one is overwritten
// with zeros and synced, and only then the new one takes its name. The pending
// file is replaced in the same way. A month's key is overwritten with zeros,
// synced, and removed, after "ended" says so: [Keyring.MonthKey] makes no key
// for a month up to that one. So a clock that steps back finds the keys it
// knows, or makes one for a month that had none, but never one again that
// retention ended.
//
// # Escrow
//
// A lost keyring loses everything sealed, so a copy has to be elsewhere, and a
// copy remembers whom the keyring forgets. [WriteEscrow] makes one that takes
// the place of the one before, and every copy notes in the directory, before it
// reads a key, until when it is promised to be there: that is what
// [Keyring.BackupsUntil] tells somebody whose keys are destroyed. It is as true
// as the promise: copies of the directory, or of an escrow, that somebody made
// by other means are not known here.
//
// An escrow is an age file for one recipient. Its plain text, which needs no
// master key, is
//
//	"daybook/escrow@1" LF, u64 seconds it was begun, u64 seconds after which it is
//	replaced, *part, u8 0
//
//	part = u8 len ‖ name ‖ u32 len ‖ content
//
// of the files above by name, with what is in them when they are opened: pending
// first, then ledger, vrf, log, receipt and index, the other key files of
// organizations and months in ascending order, and the buckets in ascending
// order. The content of pending and of a bucket is its records, one after the
// other. It can be written while the keyring is in use, since what waits is read
// before the buckets it may be moved to; a torn append is left out, a record may
// come twice. Marks are not in it: a keyring that was put back has carried out
// no destruction yet, and [Keyring.EraseNamed] can do so from public entries.
//
// # What stays
//
// What is derived, sealed and named here stays so for ever, since what was sealed once
// opens with nothing else: testdata/histories has keyrings that have to open all that
// they opened. Another form of a file gets another first line, and this one is read
// as before.
//
// # What a crash does
//
// While the keyring is made, "creating" is the first file written and the last
// removed; finding it means that no key was ever handed out, and everything is
// made again, under the master key that is there. A keyring that was not put back
// whole is refused by "restoring". A sealed file is written
// aside, synced and renamed, and its directory synced, before its key is used.
//
// In each file of records at most one frame is ever not synced, the last. When
// the file ends inside a frame, or from the start of a frame holds nothing but
// zeros, that append was cut short, nobody was told its keys unless they are
// pending as well, and it is cut off. Anything else that does not check is
// damage: reading fails, names the offset and changes nothing, because cutting
// there could destroy the key of somebody enrolled.
//
// A move that was cut short leaves its records pending, and Open does it again,
// adding what is missing. A file aside is taken when the key of the one it
// replaces is zeroed already, and destroyed otherwise: an erasure that was cut
// short has happened, or not yet. Until it is repeated nobody was told that she
// is erased. A rotation of the master key that was cut short leaves both keys
// with the [Master]; Open finishes it.
//
// What a killed process had written but not synced is read by the next one like
// anything else, so Open moves the pending records and syncs the directories,
// and the first use of a key file syncs its directory, before a key found there
// is used.
//
// After an error of the disk the keyring changes nothing more until it is opened
// again.
//
// # What it does not promise
//
// Whoever has the directory and the master key has everything, and what was
// copied before it was destroyed is not destroyed: a stolen copy of both opens
// what was in it. A file system or a flash disk may keep blocks that were
// overwritten; what they hold of an erased person opens with the master key of
// that time, which is why rotating that, and destroying the old one, ends it.
//
// The 12 bits that a handle shares with the keyed hash of an identifier stay in
// the history when she is erased. They say nothing without the lookup key; with
// it, they say of a guessed identifier that it is not hers, or may be, once in
// 4,096. The VRF key says more about such a guess.
//
// Whether a bucket that is missing or shorter lost an acknowledged frame cannot
// be seen here; the writer sees it, when the history names a handle that
// [Keyring.ByHandle] does not know. Nor is an old copy of the whole directory
// recognized; [Keyring.Replayed] says where it has to catch up from.
package keyring
