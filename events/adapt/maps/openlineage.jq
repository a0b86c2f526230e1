# OpenLineage run events: one data.accessed for each dataset a finished run read,
# and, when it succeeded, one data.derived for each dataset it wrote from those. A
# run that read nothing derived nothing. Runs that have not ended (START, RUNNING,
# OTHER) and events about a job or dataset alone give nothing. OpenLineage gives
# its events no id, so the id is the content's: a finished run told twice in other
# words is two events.
module {"source": "openlineage"};

def name: [.namespace, .name] | map(values) | join("/") | gsub("://|:"; "/");

if (type != "object") or .job == null and .dataset == null then error("the record is no OpenLineage event") end
| {COMPLETE: "success", FAIL: "error", ABORT: "error"}[.eventType // ""] as $outcome
| select($outcome != null)
| if .eventTime == null then error("the event has no eventTime") end
| . as $event
| (.inputs // [] | unique_by(name)) as $inputs
| (.outputs // [] | unique_by(name) | map(select(.name))) as $outputs
| ($inputs | map(select(.name) | name | ref("openlineage")) | unique) as $read
| ($inputs[] | {
    type: kind("data.accessed"),
    time: $event.eventTime,
    data: {
      system: ($event.job | name | ref("openlineage")),
      operation: "Use",
      outcome: $outcome,
      dataset: (if .name then name | ref("openlineage") else null end),
      subjects: nobody_named
    }
  }),
  (select($outcome == "success" and $read != []) | $outputs[] | {
    type: kind("data.derived"),
    time: $event.eventTime,
    data: {inputs: $read, output: (name | ref("openlineage")), subjects: nobody_named}
  })
