# Published searches of the licence plate readers of Eugene's police (CSV):
# one data.accessed for each. Times are UTC. The reason is kept as typed. No
# search says whether it found anything, whom it concerned or why it was lawful.
module {"source": "eugene-police/flock-search"};

{
  type: kind("data.accessed"),
  id: (.id | trim | if . == "" then error("the search has no id") end),
  time: (.searchDate | utc),
  data: {
    system: "eugene-police/flock-search",
    dataset: "eugene-police/plate-reads",
    activity: "eugene-police/plate-search",
    operation: "Query",
    outcome: "unstated",
    scope: {unit: "camera", count: (.cameraCount | trim | tonumber)},
    subjects: nobody_named,
    actor: {id: (.userId | trim)},
    reasonText: .reason
  }
}
