// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// DefaultEndpoint serves accounts of the China site. Accounts of the international site use
	// ens.ap-southeast-1.aliyuncs.com. Source: page "Endpoints" of the ENS API reference. The SDK cannot resolve it.
	DefaultEndpoint = "ens.aliyuncs.com"
	// DefaultRegion is the API region sent as RegionId.
	DefaultRegion = "cn-beijing"

	defaultConnectTimeout = 5 * time.Second
	defaultCallTimeout    = 30 * time.Second
)

// Config says where the API is.
type Config struct {
	// Endpoint is host, host:port or https://host:port. Plain http:// is accepted for loopback addresses only.
	// Default: DefaultEndpoint.
	Endpoint string
	// Region is sent as RegionId. Default: DefaultRegion.
	Region string
	// ConnectTimeout bounds dialling and the TLS handshake, each. Default: 5 s.
	ConnectTimeout time.Duration
	// CallTimeout bounds one call from dialling to the last byte of the answer. Default: 30 s.
	CallTimeout time.Duration
	// RootCAs are trusted instead of the system's. Default: the system's.
	RootCAs *x509.CertPool
	// UserAgent is appended to the SDK's own.
	UserAgent string
}

// Endpoint is one API endpoint with its connection pool, shared by the clients of all accounts.
type Endpoint struct {
	host, scheme, region, userAgent string
	insecure                        bool
	callTimeout                     time.Duration
	transport                       http.RoundTripper
}

// NewEndpoint checks the configuration; it connects to nothing.
func NewEndpoint(config Config) (*Endpoint, error) {
	address := config.Endpoint
	if address == "" {
		address = DefaultEndpoint
	}
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("endpoint %q is not host, host:port or https://host:port", config.Endpoint)
	}
	insecure := u.Scheme == "http" && isLoopback(u.Hostname())
	if u.Scheme != "https" && !insecure {
		return nil, fmt.Errorf("endpoint %q must use https (http is accepted for loopback addresses only)", config.Endpoint)
	}
	connectTimeout := orDefault(config.ConnectTimeout, defaultConnectTimeout)
	region := config.Region
	if region == "" {
		region = DefaultRegion
	}
	return &Endpoint{
		host: u.Host, scheme: u.Scheme, region: region, userAgent: config.UserAgent,
		insecure:    insecure,
		callTimeout: orDefault(config.CallTimeout, defaultCallTimeout),
		transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: connectTimeout}).DialContext,
			TLSHandshakeTimeout: connectTimeout,
			// A TLS configuration without ForceAttemptHTTP2 keeps to HTTP/1.1, where a request is never replayed
			// once a byte of it was written.
			TLSClientConfig:        &tls.Config{RootCAs: config.RootCAs, MinVersion: tls.VersionTLS12},
			MaxIdleConnsPerHost:    16,
			MaxConnsPerHost:        64,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}
