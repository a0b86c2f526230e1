// Package records holds real records of other systems, with their licences.
// README.md says where each comes from.
package records

import "embed"

// Files are the records that a first start shows: array-of-things and
// eugene-plate-reader as the functions of events/adapt read them, the rest as its
// maps do, and register.yaml with what these name.
//
//go:embed README.md register.yaml array-of-things eugene-plate-reader
//go:embed cloudtrail/events.ndjson k8s-audit/events.ndjson
//go:embed openlineage/integration_spark_app_integrations_sparksql_2.json
//go:embed xroad/raw_messages_batch_1.json xroad/raw_messages_batch_3.json
//go:embed fhir/AuditEvent-*.json
var Files embed.FS
