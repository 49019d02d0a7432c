// Package service asks the servers and programs around Magento for their product and version: search engines, Redis and
// Valkey, AMQP brokers, Varnish and PHP.
package service

// Service is a server's own statement of what it is.
type Service struct {
	// Product is elasticsearch, opensearch, redis, valkey, varnish, or an AMQP broker's own name in lower case, such as
	// rabbitmq.
	Product string
	// Version is as the server writes it, such as 8.11.1.
	Version string
}

// maxAnswer is the most that is read of one answer, in bytes. It is far above what is asked for.
const maxAnswer = 256 << 10
