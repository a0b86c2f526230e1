# What happened to nodes of the Array of Things (events.csv): system.changed with
# the day a node was commissioned, at that day. The ledger takes it for a node
# that no register declares too, and shows the node as unknown. The timestamps
# are dates and name no zone; they are written as midnight UTC. For a registrar.
module {"source": "array-of-things/register"};

(.node_id | trim | ref("aot")) as $system
| (.timestamp | trim | split(" ")[0] | gsub("/"; "-")) as $day
| if .event != "commissioned" then error("the event is not commissioned") end
| {
    type: kind("system.changed"),
    id: "\($system)/commissioned",
    time: "\($day)T00:00:00Z",
    data: {organization: "array-of-things", system: $system, starts: $day}
  }
