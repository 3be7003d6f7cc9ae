// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
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

// Format implements fmt.Formatter. The connections of an endpoint are in use, and hold what was sent.
func (e *Endpoint) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[ENS endpoint]") }

// NewEndpoint checks the configuration; it connects to nothing. It refuses to work while the environment variable DEBUG
// holds the word sdk, because the SDK then prints every signed request.
func NewEndpoint(config Config) (*Endpoint, error) {
	if slices.Contains(strings.Split(os.Getenv("DEBUG"), ","), "sdk") {
		return nil, errors.New("the environment variable DEBUG holds \"sdk\": the SDK would print security tokens and signatures; remove it")
	}
	address := config.Endpoint
	if address == "" {
		address = DefaultEndpoint
	}
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if strings.Contains(address, "@") {
		return nil, errors.New("the endpoint must not hold a user name or password") // and is not repeated here
	}
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
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
