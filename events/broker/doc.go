// Package broker is the history's server inside this process: one NATS server
// with JetStream on a directory. The history is reached through memory and never
// through a socket; outside clients, when there is a listener for them, reach an
// account without it.
//
// # The promise
//
// What the server acknowledged is on the disk: it runs with SyncAlways, so a
// publish is answered after its fsync and not before. Nothing here handles a signal
// or writes to the terminal, and nothing listens unless Config.Listen says so. Only one Broker at a time
// holds a directory; a second one, in this process or another, is refused.
//
// # Accounts
//
// The history has the server's global account to itself: all its streams, and no
// limits. [Broker.Connect] leads there, by a password drawn for each connection
// that counts through memory alone. Everybody else is in the account EMITTERS,
// which has no JetStream and imports nothing from the history's: outside clients,
// and the door that answers them, by [Broker.ConnectEmitters]. Nobody is in the
// server's system account. What a subject is called in one account says nothing
// in the other, so a client that were allowed everything would still not see the
// history.
//
// Inside EMITTERS each client may do what Config.Authenticate says and nothing
// else. It is asked when a client connects; what it said holds until the client
// goes. Whoever serves clients must therefore ask again for each request if a
// right can end.
//
// The history's account is the global one because directories made before there
// were two accounts have their streams there. For the same reason EMITTERS is
// made after the server's start: one that starts with a second account takes the
// global one for empty.
//
// # On the disk
//
// Config.Dir holds a lock file named "lock", which stays empty, and whatever
// JetStream keeps below "jetstream/". Both belong to this package alone; to copy
// them, stop the Broker or go through the server.
//
// # After a crash
//
// A killed process leaves messages that reached the kernel but perhaps not the
// disk. The restarted server reads them back like any others, and the caller
// would then build on something a power cut can still take away. Open therefore
// fsyncs every file and directory below Dir before the server starts: whatever
// can be read afterwards is durable. This costs one fsync of a clean file per
// 8 MB of history.
//
// A batch that was being stored when the process died is completed by the server
// from its own staging copy, or is absent. When the staging copy is lost as well,
// which takes a power cut between two writes, a prefix of that batch may remain;
// it was never acknowledged, and each of its messages is whole.
//
// # Without a server
//
// ReadFiles reads what is stored from the server's own files and checks every
// record: a server that starts on damaged files cuts off what it cannot read,
// so who only wants to look does not start one. Hold keeps one from starting
// meanwhile.
//
// # Not promised
//
// A disk that reports an fsync it did not do is believed. After a write error the
// server stops acknowledging and Healthy says why; only a restart on a sound disk
// helps. The directory is not encrypted: its messages protect themselves. On
// systems without flock the directory is not locked.
//
// The listener speaks plain TCP: passwords and events can be read on the way, so
// it belongs on loopback or behind a tunnel. A client may send messages of 8 MiB,
// the history's limit, and open 1,024 subscriptions; a smaller limit is for who
// serves it. How often somebody tries passwords is not limited.
package broker
