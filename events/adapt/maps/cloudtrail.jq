# AWS CloudTrail records, in the files it delivers or one a line: one
# data.accessed for each. The verb of the call is its operation; how AWS calls
# the caller is sealed. CloudTrail does not know about persons, purposes or
# legal bases. Bucket, table or secret are the dataset when the call names one;
# the parameters and answers of calls are not taken over.
module {"source": "aws/cloudtrail", "records": "Records"};

def operation($event):
  if test("^(?:Query|Search|Select|Scan|List|Describe|Lookup|Filter)") then "Query"
  elif test("^(?:Get|BatchGet|Head|View)") then "Retrieve"
  elif test("^(?:Delete|Remove|Terminate|Purge|BatchDelete|Deregister)") then "Delete"
  elif test("^(?:Create|Put|Upload|Register|Run|Import|BatchWrite)") then "Record"
  elif test("^(?:Update|Modify|Attach|Detach|Set|Change|Replace|Tag|Untag|Associate|Disassociate)") then "Modify"
  elif test("^(?:Copy|Restore)") then "Copy"
  elif test("^(?:Export|StartExport)") then "Export"
  elif test("^(?:Share|Invite)") then "Share"
  elif $event.readOnly == true then "Access"
  else "Use" end;

def outcome:
  if . == null then "success"
  elif test("denied|unauthorized|forbidden|notauthorized"; "i") then "denied"
  else "error" end;

def dataset:
  .requestParameters as $p
  | if ($p | type) != "object" then null
    elif $p.bucketName then ($p.bucketName | ref("aws/s3"))
    elif $p.tableName then ($p.tableName | ref("aws/dynamodb"))
    elif $p.secretId then ($p.secretId | sub("^arn:aws:secretsmanager:[^:]*:[0-9]*:secret:"; "") | ref("aws/secret"))
    else null end
  | if type == "string" and length > 96 then null end;

if (type != "object") or .eventName == null then error("the record is no CloudTrail event") end
| {
    type: kind("data.accessed"),
    id: .eventID,
    time: .eventTime,
    data: {
      system: (.eventSource | sub("\\.amazonaws\\.com$"; "") | ref("aws")),
      operation: (. as $event | .eventName | operation($event)),
      outcome: (.errorCode | outcome),
      dataset: (if .requestParameters then dataset else null end),
      subjects: nobody_named,
      actor: {id: (.userIdentity | .arn // .userName // .principalId // .invokedBy // .accountId | line)}
    }
  }
