// Package kafka is the log between courtroom, workers and record server: the
// topics, a client on segmentio/kafka-go, and a broker inside the process
// (kfake, on disk) for installations without an Apache Kafka.
//
// The client promises that what [Client.Produce] returned without an error is
// on the broker, whole and in order; that a [Reader] gives every record of its
// partition in order, over restarts of the broker, and says so with an
// [OffsetError] where records are gone, instead of jumping; and that an outage
// is logged once when it begins and once when it ends.
//
// It does not promise exactly-once: a write that was cut off may have landed
// and is sent again. Whoever reads drops what it has, by sequence number or by
// id. A committed offset is a hint; where a worker stands is in positions.v1.
//
// It must never set a retention on the embedded broker, never ask a broker to
// create a topic by itself, and never hand kafka-go the same records twice. The
// reasons stand where the code is; docs/KAFKA.md has the measurements.
package kafka
