# The node registers of the Array of Things (nodes.csv): each row states one node
# as the edition has it, and its end when it has one. How an edition differs from
# the one before is what happened: registered, moved, changed, decommissioned.
# The timestamps are dates and name no zone. A place of TBD or 0,0 is unknown.
# The earlier edition has no timestamps; see array-of-things-events. For a
# registrar; data.organization is array-of-things. In references LinkNYC and the
# other projects are told apart by their node numbers alone, as the registers do
# it.
module {"source": "array-of-things/register", "edition": true};

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
| {
    type: kind("system.registered"),
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
    data: {organization: "array-of-things", system: $system, on: $end}
  })
