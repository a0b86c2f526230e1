# Windows security audit records as collectors write them, one a line: one
# data.accessed for each. The time is @timestamp, which collectors write in UTC,
# else TimeCreated, which Windows does. EventTime names no zone, TimeGenerated
# is the workspace's, and neither is a substitute: such a record is rejected.
# RecordNumber begins again when a log is cleared, so the id is the content's.
# The account is sealed, as is the object's name; the message is not taken over.
module {"source": "windows/security"};

def operation:
  {"4656": "Access", "4661": "Access", "4662": "Access", "4663": "Access", "4690": "Access", "4798": "Access",
   "4799": "Access", "5140": "Access", "5145": "Access", "5379": "Retrieve", "4657": "Modify", "4670": "Modify",
   "4660": "Delete"}[.] // "Use";

# Audit success and failure are bits of the keywords; some collectors write
# them as words, some as a signed number.
def outcome:
  if .EventType == "AUDIT_SUCCESS" then "success"
  elif .EventType == "AUDIT_FAILURE" then "error"
  else (.Keywords // .keywords | if type == "array" then .[0] else . end | tostring | ascii_downcase)
    | if startswith("0x802") or startswith("0x80a") or . == "audit success" then "success"
      elif startswith("0x801") or . == "audit failure" then "error"
      else "unstated" end
  end;

def account:
  (.SubjectUserName // null) as $name
  | if $name == null or $name == "-" then null
    elif .SubjectDomainName == null or .SubjectDomainName == "-" then $name
    else "\(.SubjectDomainName)\\\($name)" end;

if type != "object" then error("the record is no object") end
| (.["@timestamp"] // .TimeCreated) as $time
| if $time == null then error("the record has no timestamp: neither @timestamp nor TimeCreated") end
| (.Hostname // .computer_name) as $host
| if $host == null then error("the record does not name its computer") end
| (.event_data // .) as $said
| {
    type: kind("data.accessed"),
    time: ($time | utc),
    data: {
      system: ($host | ref("windows")),
      operation: (.EventID // .event_id | tostring | operation),
      outcome: outcome,
      subjects: nobody_named,
      actor: {id: ($said | account | line)},
      query: ($said.ObjectName | if . == "-" then null else prose end)
    }
  }
