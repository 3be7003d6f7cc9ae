// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// listen returns a TCP server on loopback that treats each connection with serve.
func listen(t *testing.T, serve func(net.Conn)) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = listener.Close() })
	go acceptAll(listener, serve)
	return listener
}

// silent reads and never answers.
func silent(connection net.Conn) { _, _ = io.Copy(io.Discard, connection) }

// TestNoConnection : without a connection nothing can have been carried out.
func TestNoConnection(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		config  func(t *testing.T) Config
		message string
	}{
		"refused": {
			func(t *testing.T) Config {
				t.Helper()
				listener := listen(t, silent)
				_ = listener.Close()
				return Config{Endpoint: listener.Addr().String()}
			}, "connection refused",
		},
		"certificate of an unknown authority": {
			func(t *testing.T) Config {
				t.Helper()
				config := newCloud(t).config()
				config.RootCAs = x509.NewCertPool()
				return config
			}, "the endpoint's certificate is not trusted",
		},
		"certificate of another host": {
			func(t *testing.T) Config {
				t.Helper()
				config := newCloud(t).config()
				_, port, _ := net.SplitHostPort(config.Endpoint)
				config.Endpoint = "localhost:" + port
				return config
			}, "the endpoint's certificate is not trusted",
		},
		"no TLS": {
			func(t *testing.T) Config {
				t.Helper()
				server := httptest.NewUnstartedServer(http.NotFoundHandler())
				server.Config.ErrorLog = log.New(io.Discard, "", 0)
				server.Start()
				t.Cleanup(server.Close)
				return Config{Endpoint: server.Listener.Addr().String()}
			}, "the endpoint does not speak TLS",
		},
		"TLS too old": {
			func(t *testing.T) Config {
				t.Helper()
				server := httptest.NewUnstartedServer(http.NotFoundHandler())
				server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
				server.Config.ErrorLog = log.New(io.Discard, "", 0)
				server.StartTLS()
				t.Cleanup(server.Close)
				return (&wire{server: server}).config()
			}, "",
		},
		"handshake without answer": {
			func(t *testing.T) Config {
				t.Helper()
				return Config{Endpoint: listen(t, silent).Addr().String(), ConnectTimeout: 50 * time.Millisecond}
			}, "timeout",
		},
		"hung up in the handshake": {
			func(t *testing.T) Config {
				t.Helper()
				return Config{Endpoint: listen(t, func(net.Conn) {}).Addr().String()}
			}, "",
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			client := connect(t, test.config(t))
			for _, call := range methods {
				e := failed(t, call(t.Context(), client))
				g.Expect(e.Code).To(Equal(CodeConnectFailed))
				g.Expect(e.Class).To(Equal(ClassUnavailable))
				g.Expect(e.Message).To(And(HavePrefix("no connection to the endpoint: "), HaveSuffix(test.message)))
				g.Expect(e.NotExecuted).To(BeTrue())
				g.Expect(e.HTTPStatus).To(BeZero())
			}
		})
	}
}

// TestConnectTimeout uses a listener whose queue is full, so that the kernel answers no more connection attempts.
func TestConnectTimeout(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = syscall.Close(fd) })
	g.Expect(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})).To(Succeed())
	g.Expect(syscall.Listen(fd, 0)).To(Succeed())
	name, err := syscall.Getsockname(fd)
	g.Expect(err).NotTo(HaveOccurred())
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	dialer := &net.Dialer{Timeout: 200 * time.Millisecond}
	full := false
	for range 16 {
		connection, err := dialer.DialContext(t.Context(), "tcp", address)
		if full = err != nil; full {
			break
		}
		t.Cleanup(func() { _ = connection.Close() })
	}
	g.Expect(full).To(BeTrue(), "the listener's queue must fill up for this test to mean anything")
	start := time.Now()
	e := failed(t, importGolden(t.Context(), connect(t, Config{Endpoint: address, ConnectTimeout: 100 * time.Millisecond})))
	g.Expect(time.Since(start)).To(BeNumerically("<", 10*time.Second), "far less than the call timeout")
	g.Expect(e.Code).To(Equal(CodeConnectFailed))
	g.Expect(e.Message).To(HaveSuffix("timeout"))
	g.Expect(e.NotExecuted).To(BeTrue())
}

func TestNetworkCauses(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	causes := map[string][]error{
		"timeout": {
			context.DeadlineExceeded, os.ErrDeadlineExceeded, dial(os.NewSyscallError("connect", syscall.ETIMEDOUT)), &net.DNSError{IsTimeout: true},
		},
		"the endpoint's name cannot be resolved": {dial(&net.DNSError{Err: "no such host", Name: "ens.invalid", IsNotFound: true})},
		"the endpoint's certificate is not trusted": {
			&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
			x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"},
			x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired},
		},
		"the endpoint does not speak TLS": {tls.RecordHeaderError{Msg: "m"}},
		"connection refused":              {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))},
		"connection reset":                {dial(syscall.ECONNRESET), syscall.EPIPE},
		"connection closed":               {io.EOF, io.ErrUnexpectedEOF},
		"network error":                   {errors.New("proxyconnect tcp: https://user:password@proxy"), nil},
	}
	for cause, errs := range causes {
		for _, err := range errs {
			NewWithT(t).Expect(networkCause(err)).To(Equal(cause), "%v", err)
			if err != nil {
				NewWithT(t).Expect(networkCause(fmt.Errorf("reading the answer: %w", err))).To(Equal(cause), "%v", err)
			}
		}
	}
}
