# pgaudit in PostgreSQL's csvlog (log_destination = csvlog, log_timezone = UTC),
# whose files have no header: one data.accessed for each READ or WRITE. Other
# classes (DDL, ROLE, FUNCTION, MISC) and lines of others touch no rows or do
# not say which, and give nothing. pgaudit writes before a statement runs, so
# that its outcome is unstated. The statement and who ran it are sealed; the
# statement holds values, its parameters are not taken over. The columns are
# those of PostgreSQL 14 and later.
module {"source": "postgresql/pgaudit", "columns": ["log_time", "user_name", "database_name", "process_id",
  "connection_from", "session_id", "session_line_num", "command_tag", "session_start_time", "virtual_transaction_id",
  "transaction_id", "error_severity", "sql_state_code", "message", "detail", "hint", "internal_query",
  "internal_query_pos", "context", "query", "query_pos", "location", "application_name", "backend_type",
  "leader_pid", "query_id"]};

def operation:
  if .class == "READ" then {COPY: "Copy"}[.command] // "Query"
  else {INSERT: "Record", COPY: "Record", UPDATE: "Modify", DELETE: "Erase", "TRUNCATE TABLE": "Erase"}[.command] // "Alter" end;

select(.message | startswith("AUDIT: "))
| (.message | ltrimstr("AUDIT: ") | csv) as [$audit, $statement, $part, $class, $command, $sort, $object, $text]
| select($class == "READ" or $class == "WRITE")
| {
    type: kind("data.accessed"),
    id: (if .session_id == "" then null else "\(.session_id)/\(.session_line_num)" end),
    time: (.log_time | utc),
    data: {
      system: (.database_name | ref("postgresql")),
      operation: ({class: $class, command: $command} | operation),
      outcome: "unstated",
      dataset: (if $object == "" then null else "\(.database_name)/\($object)" | ref("postgresql") end),
      subjects: nobody_named,
      actor: {id: (.user_name | line)},
      query: (if $text | test("^<(?:previously|not) logged>$") then null else $text | prose end)
    }
  }
