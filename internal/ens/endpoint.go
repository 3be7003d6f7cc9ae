// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"cmp"
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
	u, err := parseAddress(cmp.Or(config.Endpoint, DefaultEndpoint))
	if err != nil {
		return nil, err
	}
	connectTimeout := cmp.Or(config.ConnectTimeout, defaultConnectTimeout)
	return &Endpoint{
		host: u.Host, scheme: u.Scheme, region: cmp.Or(config.Region, DefaultRegion), userAgent: config.UserAgent,
		insecure:    u.Scheme == "http",
		callTimeout: cmp.Or(config.CallTimeout, defaultCallTimeout),
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

// parseAddress accepts https, and http to loopback.
func parseAddress(address string) (*url.URL, error) {
	if strings.Contains(address, "@") {
		return nil, errors.New("the endpoint must not hold a user name or password") // and is not repeated here
	}
	full := address
	if !strings.Contains(address, "://") {
		full = "https://" + address
	}
	u, err := url.Parse(full)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("endpoint %q is not host, host:port or https://host:port", address)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, fmt.Errorf("endpoint %q must use https (http is accepted for loopback addresses only)", address)
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
