# The node registers of the Array of Things (nodes.csv with start_timestamp):
# system.registered as of its start, and system.decommissioned when it has an
# end. Each row restates its node: registered again at another place, it has
# moved. The timestamps are dates and name no zone; they are written as
# midnight UTC. A place of TBD or 0,0 is unknown. A row without a start says
# no time and is rejected. For a registrar; data.organization is
# array-of-things. In references LinkNYC and the other projects are told apart
# by their node numbers alone, as the registers do it.
module {"source": "array-of-things/register"};

def day: if . == "" then null else (split(" ")[0] | gsub("/"; "-")) end;
def known: trim | if test("^(?:TBD)?$"; "i") then null end;
def zero: test("^-?0*(?:\\.0*)?$");
def place:
  ([.lat, .lon] | map(known)) as [$lat, $lon]
  | {address: (.address | known)}
  + if $lat == null or $lon == null or ($lat | zero) and ($lon | zero) then {} else {lat: $lat, lon: $lon} end;

(.node_id | trim | ref("aot")) as $system
| (.start_timestamp // "" | trim | day) as $start
| (.end_timestamp // "" | trim | day) as $end
| if $start == null then error("the node has no start_timestamp, so nothing says when it was registered") end
| {
    type: kind("system.registered"),
    id: "\($system)/registered/\($start)",
    time: "\($start)T00:00:00Z",
    data: {
      organization: "array-of-things",
      system: $system,
      name: (.vsn | trim),
      kind: "sensor-node",
      model: "aot/node",
      description: (.description | trim),
      starts: $start,
      place: place
    }
  },
  (select($end != null) | {
    type: kind("system.decommissioned"),
    id: "\($system)/decommissioned/\($end)",
    time: "\($end)T00:00:00Z",
    data: {organization: "array-of-things", system: $system, on: $end}
  })
