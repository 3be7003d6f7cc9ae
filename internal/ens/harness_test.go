// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// Every secret holds the word canary, which survives each kind of encoding that a leak may come in.
const canary = "canary"

var keys = Credentials{AccessKeyID: "LTAI-canary-id", AccessKeySecret: "canary/secret+=", SecurityToken: "canary/token+="}

const account = "1000000000000001"

// cloud is the simulator behind TLS. It knows the keys, and one good OSS object.
type cloud struct {
	*enssim.Simulator
	*wire
}

// imageOne suits every method: it is Available and ours.
var imageOne = enssim.Image{ImageID: "m-1", ImageName: "image-1", AccountID: account}

// simulated makes the simulator know the credentials.
func simulated(c Credentials) enssim.AccessKey {
	return enssim.AccessKey{ID: c.AccessKeyID, Secret: c.AccessKeySecret, SecurityToken: c.SecurityToken, AccountID: account}
}

func newCloud(t *testing.T, changes ...func(*enssim.Behaviour)) *cloud {
	t.Helper()
	return newCloudAt(t, nil, changes...)
}

func newCloudAt(t *testing.T, now func() time.Time, changes ...func(*enssim.Behaviour)) *cloud {
	t.Helper()
	c := &cloud{Simulator: enssim.New(enssim.Options{Now: now})}
	c.SetBehaviour(func(b *enssim.Behaviour) {
		b.ListLag, b.RenameLag, b.DeleteLag = metav1.Duration{}, metav1.Duration{}, metav1.Duration{}
		for _, change := range changes {
			change(b)
		}
	})
	c.PutAccessKey(simulated(keys))
	c.PutObject(enssim.Object{Bucket: "images", Key: "good.qcow2"})
	c.wire = serve(t, c.Simulator)
	return c
}

// wire is a TLS server that keeps what arrives.
type wire struct {
	server *httptest.Server

	mu       sync.Mutex
	received []*http.Request
}

func serve(t *testing.T, handler http.Handler) *wire {
	t.Helper()
	w := &wire{}
	w.server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.received = append(w.received, r.Clone(context.WithoutCancel(r.Context())))
		w.mu.Unlock()
		handler.ServeHTTP(rw, r)
	}))
	w.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.server.StartTLS()
	t.Cleanup(w.server.Close)
	return w
}

// answering serves the same answer to every request.
func answering(t *testing.T, status int, body string) *wire {
	t.Helper()
	return serve(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, body)
	}))
}

// requests returns what has arrived, in order.
func (w *wire) requests() []*http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*http.Request(nil), w.received...)
}

func (w *wire) config() Config {
	roots := x509.NewCertPool()
	roots.AddCert(w.server.Certificate())
	return Config{Endpoint: w.server.Listener.Addr().String(), RootCAs: roots}
}

// client returns a client with an endpoint of its own.
func (w *wire) client(t *testing.T, changes ...func(*Config)) *Client {
	t.Helper()
	config := w.config()
	for _, change := range changes {
		change(&config)
	}
	return connect(t, config)
}

// plainClient reaches the same handler without TLS: quicker to connect, and a connection that the client has closed
// brings no more answers, which TLS still allows for a moment.
func (w *wire) plainClient(t *testing.T, changes ...func(*Config)) *Client {
	t.Helper()
	plain := httptest.NewServer(w.server.Config.Handler)
	t.Cleanup(plain.Close)
	config := Config{Endpoint: plain.URL}
	for _, change := range changes {
		change(&config)
	}
	return connect(t, config)
}

// connect returns a client whose connections are closed at the end of the test.
func connect(t *testing.T, config Config) *Client {
	t.Helper()
	endpoint, err := NewEndpoint(config)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	t.Cleanup(endpoint.transport.(*http.Transport).CloseIdleConnections)
	return endpoint.Client(keys)
}

func callTimeout(d time.Duration) func(*Config) { return func(c *Config) { c.CallTimeout = d } }

// goodImport succeeds in the simulator.
func goodImport(name string) Import {
	return Import{
		ImageName: name, ComputeType: "ens_vm", OSType: "linux", Architecture: "x86_64", ImageFormat: "qcow2",
		Source: OSSObject{Region: "cn-beijing", Bucket: "images", Object: "good.qcow2"},
	}
}

func pinNow(nonce string) Pin { return Pin{Nonce: nonce, SignedAt: time.Now()} }

func importGolden(ctx context.Context, c *Client) error {
	_, err := c.ImportImage(ctx, goodImport("golden"), pinNow("nonce-of-golden"))
	return err
}

func readByID(ctx context.Context, c *Client) error {
	_, err := c.ImageByID(ctx, "m-1")
	return err
}

// methods are all methods of Client that call the cloud.
var methods = map[string]func(context.Context, *Client) error{
	"ImportImage": importGolden,
	"ImageByID":   readByID,
	"ImagesByName": func(ctx context.Context, c *Client) error {
		_, err := c.ImagesByName(ctx, "golden")
		return err
	},
	"Images": func(ctx context.Context, c *Client) error {
		_, err := c.Images(ctx)
		return err
	},
	"RenameImage":  func(ctx context.Context, c *Client) error { return c.RenameImage(ctx, "m-1", "silver") },
	"DeleteImage":  func(ctx context.Context, c *Client) error { return c.DeleteImage(ctx, "m-1") },
	"ShareImage":   func(ctx context.Context, c *Client) error { return c.ShareImage(ctx, "m-1", "1000000000000002") },
	"UnshareImage": func(ctx context.Context, c *Client) error { return c.UnshareImage(ctx, "m-1", "1000000000000002") },
	"ImageShares": func(ctx context.Context, c *Client) error {
		_, err := c.ImageShares(ctx, "m-1")
		return err
	},
}

// failed expects an error of this package and returns it.
func failed(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	NewWithT(t).Expect(errors.As(err, &e)).To(BeTrue(), "%v", err)
	NewWithT(t).Expect(e.Action).NotTo(BeEmpty())
	NewWithT(t).Expect(e.Code).NotTo(BeEmpty())
	NewWithT(t).Expect(e.Message).NotTo(BeEmpty())
	NewWithT(t).Expect(e.Hint).NotTo(BeEmpty())
	NewWithT(t).Expect(e.Class).NotTo(BeEmpty())
	return e
}

// rows returns a DescribeSelfImages answer.
func rows(total string, ids ...string) string {
	text := ""
	for i, id := range ids {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf(`{"ImageId":%q,"ImageName":"image-%s","ImageOwnerAlias":"self","Status":"Available"}`, id, id)
	}
	return fmt.Sprintf(`{"Code":0,"RequestId":"R-1","TotalCount":%q,"Images":{"Image":[%s]}}`, total, text)
}
