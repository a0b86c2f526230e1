# Kubernetes audit events, one a line or in an EventList: one data.accessed for
# each request, when its answer has begun. A long request is told of twice, as
# ResponseStarted and ResponseComplete, under one auditID and as one event. What
# was sent and answered holds secrets and is never taken over; the path asked
# for is sealed. Requests outside resources, as /healthz, touch no data and give
# nothing.
module {"source": "kubernetes/audit", "records": "items"};

def operation:
  if .objectRef.subresource == "exec" or .objectRef.subresource == "attach" or .objectRef.subresource == "proxy"
    or .objectRef.subresource == "portforward" then "Access"
  else {get: "Retrieve", list: "Query", watch: "Monitor", create: "Record", update: "Modify", patch: "Modify",
        delete: "Delete", deletecollection: "Delete"}[.verb] // "Use" end;

def outcome:
  .responseStatus.code
  | if . == null then "unstated" elif . == 401 or . == 403 then "denied" elif . < 400 then "success" else "error" end;

if (type != "object") or .auditID == null or .verb == null then error("the record is no audit event of Kubernetes") end
| select(.stage != "RequestReceived" and .objectRef.resource != null)
| {
    type: kind("data.accessed"),
    id: .auditID,
    time: .requestReceivedTimestamp,
    data: {
      system: "kubernetes",
      operation: operation,
      outcome: outcome,
      dataset: ([.objectRef.apiGroup, .objectRef.resource] | map(values) | join("/") | ref("kubernetes")),
      subjects: nobody_named,
      actor: {id: (.user.username | line)},
      query: (.requestURI | prose)
    }
  }
