# FHIR R4 AuditEvents, one a line, alone or in a Bundle: one data.accessed for
# each that touches a resource. Signing in or out and starting a program touch
# none, and give nothing. The patient is the person concerned when there is one
# patient, known by a telephone number or mail address (identifiers of system
# urn:ietf:rfc:3986, as tel: and mailto:): numbers and references of the source
# itself name nobody here, and more than one patient is unknown. Who acted is
# sealed; so is a query.
module {"source": "fhir/audit", "records": "entry"};

def code: .code // "";
def acts: [.type, .subtype[]?] | map(code | ascii_downcase);

def operation($action):
  if any(. == "disclosure") then "Disclose"
  elif any(. == "110106" or . == "export") then "Export"
  elif any(. == "110107" or . == "import") then "Obtain"
  elif any(. == "110112" or test("^search")) then "Query"
  else {C: "Record", R: "Retrieve", U: "Modify", D: "Delete", E: "Use"}[$action // ""] // "Use" end;

def outcome: if . == null then "unstated" elif . == "0" then "success" else "error" end;

def patients:
  map(select(.type.code == "1" or .role.code == "1" or (.what.reference // "" | test("(?:^|/)Patient/"))));

def who:
  .what.identifier
  | select(.system == "urn:ietf:rfc:3986" and (.value | type) == "string")
  | .value
  | if startswith("tel:") then {scheme: "phone", value: ltrimstr("tel:")}
    elif startswith("mailto:") then {scheme: "email", value: ltrimstr("mailto:")}
    else empty end;

# One patient is one reference at most, whatever its version, and one
# identifier.
def subjects:
  patients
  | ([.[] | who] | unique) as $known
  | ([.[] | .what.identifier // empty] | unique | length) as $identifiers
  | ([.[] | .what.reference // empty | sub("/_history/.*$"; "")] | unique | length) as $references
  | if ($known | length) == 1 and $identifiers == 1 and $references <= 1
    then {mode: "single", persons: $known}
    else nobody_named end;

# The kind of resource, when all that are named are of one.
def dataset:
  [.[] | .what.reference // empty | capture("(?:^|/)(?<kind>[A-Z][A-Za-z]+)/").kind] | unique
  | if length == 1 then .[0] | ref("fhir") else null end;

.resource // .
| if (type != "object") or .resourceType == null then error("the record is no FHIR resource") end
| select(.resourceType == "AuditEvent" and (.entity | type) == "array")
| select(acts | any(. == "110114" or . == "110100") | not)
| {
    type: kind("data.accessed"),
    id: .id,
    time: .recorded,
    data: {
      system: (.source.observer | .display // .identifier.value // .reference // error("the record does not name its system") | ref("fhir")),
      operation: (.action as $action | acts | operation($action)),
      outcome: (.outcome | outcome),
      dataset: (.entity | dataset),
      purpose: ([.purposeOfEvent[]?.coding[]?.code] | if index("HMARKT") then "Marketing" else null end),
      subjects: (.entity | subjects),
      actor: {id: ([.agent[]? | select(.requestor == true)][0] | .who.identifier.value // .who.reference // .altId | line)},
      query: ([.entity[].query // empty][0] | if . == null then null else (try @base64d catch null) | prose end)
    }
  }
