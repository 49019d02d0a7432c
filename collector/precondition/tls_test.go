package precondition_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// certificate makes a self-signed certificate for 127.0.0.1 and returns its files.
func certificate(t *testing.T, ends time.Time) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(
			1), Subject: pkix.Name{CommonName: "db"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: ends,
		IPAddresses: []net.IP{
			net.IPv4(127, 0, 0, 1),
		}, DNSNames: []string{"db.example"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{
			x509.ExtKeyUsageServerAuth,
		},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "EC PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestNetworkOverTLS(t *testing.T) {
	t.Parallel()
	ends := time.Now().Add(time.Hour)
	cert, key := certificate(t, ends)
	another, _ := certificate(t, time.Now().Add(time.Hour))
	server := mysqltest.New(t, mysqltest.Options{Args: []string{"--ssl-cert=" + cert, "--ssl-key=" + key}})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
	s.Exec(server, "ALTER USER '"+s.User+"'@'%' REQUIRE SSL")
	d := &s.Migration.Magento1.Database
	s.WantFinding("network", finding.Fail, "REQUIRE SSL", "magento1.database.tls")
	s.WantAbsent("tls_certificate_expiry_timestamp_seconds", "magento1")
	d.TLS = &config.TLS{CAFile: cert}
	s.Want("network", finding.Pass)
	s.WantValue(float64(ends.Unix()), "tls_certificate_expiry_timestamp_seconds", "magento1")
	s.WantAbsent("tls_certificate_expiry_timestamp_seconds", "magento2")
	s.Want("privileges", finding.Pass)
	d.TLS = &config.TLS{CAFile: another}
	s.WantFinding("network", finding.Fail, "an authority that this host does not know", "ca_file")
	d.TLS = &config.TLS{CAFile: another, InsecureSkipVerify: true}
	s.Want("network", finding.Pass)
	d.TLS = &config.TLS{CAFile: cert, ServerName: "elsewhere.example"}
	s.WantFinding("network", finding.Fail, "is not for elsewhere.example", "server_name")
	d.TLS.ServerName = "db.example"
	s.Want("network", finding.Pass)
}

func TestNetworkExpiredCertificate(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t, time.Now().Add(-time.Hour))
	s := newShop(t, func(s *shoptest.Shop) {
		s.Server1 = mysqltest.New(t, mysqltest.Options{Args: []string{"--ssl-cert=" + cert, "--ssl-key=" + key}})
	})
	s.Migration.Magento1.Database.TLS = &config.TLS{CAFile: cert}
	s.WantFinding("network", finding.Fail, "has expired", "FLUSH SSL;")
}
