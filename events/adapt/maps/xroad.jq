# Operational monitoring records of X-Road security servers: for each message
# that succeeded, data.shared by the member that answered it (a Producer
# record) or data.received by the member that asked (a Client record). A failed
# message moved no data, and gives nothing. An organization is
# instance/class/code of its member and sends with a token of its own for the
# source <organization>/xroad; records of others are refused. Both sides know
# the message by xRequestId, so that what was received names what was shared.
# The same record collected again, with another insertTime, is the same event.

def organization($side):
  [.[$side + "XRoadInstance"], .[$side + "MemberClass"], .[$side + "MemberCode"]]
  | if any(. == null) then error("the record does not name both members") end
  | join("/") | ref;

if (type != "object") or .securityServerType == null then error("the record is none of X-Road's monitoring") end
| (.securityServerType | ascii_downcase) as $side
| select(.succeeded == true)
| if .xRequestId == null then error("the message has no xRequestId, so the two sides of it cannot be matched") end
| organization("client") as $client
| organization("service") as $service
| ([$service, .serviceSubsystemCode, .serviceCode] | map(values) | join("/") | ref) as $dataset
| if $side == "producer" then
    {
      type: kind("data.shared"),
      source: "\($service)/xroad",
      id: "\(.xRequestId)/shared",
      time: (.responseOutTs // .requestInTs | millis),
      data: {recipient: $client, dataset: $dataset, subjects: nobody_named}
    }
  elif $side == "client" then
    {
      type: kind("data.received"),
      source: "\($client)/xroad",
      id: "\(.xRequestId)/received",
      time: (.responseInTs // .requestInTs | millis),
      data: {
        counterpart: {organization: $service, source: "\($service)/xroad", id: "\(.xRequestId)/shared"},
        dataset: $dataset,
        subjects: nobody_named
      }
    }
  else error("securityServerType is neither Client nor Producer") end
