package main

import (
	"crypto/x509"
	"encoding/pem"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

// certificateCollector exports when the exporter's own certificate ends. The web toolkit reads the certificate at each
// handshake, so a scrape over TLS has read it a moment before.
type certificateCollector struct {
	webConfigFile string
	end           *prometheus.Desc
}

func newCertificateCollector(webConfigFile string) certificateCollector {
	return certificateCollector{webConfigFile, prometheus.NewDesc(
		prometheus.BuildFQName(finding.Namespace, "exporter", "tls_certificate_expiry_timestamp_seconds"),
		"When the exporter's own certificate ends, in Unix seconds; absent when it serves without TLS.", nil, nil)}
}

// Describe implements prometheus.Collector.
func (c certificateCollector) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- c.end }

// Collect implements prometheus.Collector.
func (c certificateCollector) Collect(metrics chan<- prometheus.Metric) {
	if end := certificateEnd(config.WebCertificate(c.webConfigFile)); !end.IsZero() {
		metrics <- prometheus.MustNewConstMetric(c.end, prometheus.GaugeValue, finding.UnixSeconds(end))
	}
}

// certificateEnd returns the end of the first certificate in a PEM text, zero when there is none.
func certificateEnd(text []byte) time.Time {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return time.Time{}
		}
		return certificate.NotAfter
	}
	return time.Time{}
}
