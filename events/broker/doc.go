// Package broker is the history's server inside this process: one NATS server
// with JetStream on a directory, reached through memory and never through a
// socket.
//
// # The promise
//
// What the server acknowledged is on the disk: it runs with SyncAlways, so a
// publish is answered after its fsync and not before. Nothing here listens on a
// port, handles a signal or writes to the terminal. Only one Broker at a time
// holds a directory; a second one, in this process or another, is refused.
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
// # Not promised
//
// A disk that reports an fsync it did not do is believed. After a write error the
// server stops acknowledging and Healthy says why; only a restart on a sound disk
// helps. The directory is not encrypted: its messages protect themselves. On
// systems without flock the directory is not locked.
package broker
