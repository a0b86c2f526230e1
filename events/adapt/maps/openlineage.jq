# OpenLineage run events: one data.accessed for each dataset a finished run
# read. The datasets it wrote are derived data, which has no open kind of event
# here yet, so nothing is said of them. Runs that have not ended (START,
# RUNNING, OTHER) and events about a job or dataset alone give nothing.
# OpenLineage gives its events no id, so the id is the content's: a finished
# run told twice in other words is two events.
module {"source": "openlineage"};

def name: [.namespace, .name] | map(values) | join("/") | gsub("://|:"; "/");

if (type != "object") or .job == null and .dataset == null then error("the record is no OpenLineage event") end
| {COMPLETE: "success", FAIL: "error", ABORT: "error"}[.eventType // ""] as $outcome
| select($outcome != null)
| if .eventTime == null then error("the event has no eventTime") end
| . as $event
| .inputs // [] | unique_by(name) | .[]
| {
    type: kind("data.accessed"),
    time: $event.eventTime,
    data: {
      system: ($event.job | name | ref("openlineage")),
      operation: "Use",
      outcome: $outcome,
      dataset: (if .name then name | ref("openlineage") else null end),
      subjects: nobody_named
    }
  }
