// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// TestOneClientForManyCalls is for the race detector: one client of the SDK, shared like this, is full of races.
func TestOneClientForManyCalls(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	const callers = 300
	cloud := newCloud(t)
	cloud.PutImage(imageOne)
	client := cloud.plainClient(t)
	var group sync.WaitGroup
	errs := make(chan error, callers)
	for i := range callers {
		group.Go(func() {
			switch i % 4 {
			case 0:
				_, err := client.ImportImage(t.Context(), goodImport(fmt.Sprintf("golden-%d", i)), pinNow(fmt.Sprint("nonce", i)))
				errs <- err
			case 1:
				_, err := client.ImageByID(t.Context(), "m-1")
				errs <- err
			case 2:
				errs <- client.RenameImage(t.Context(), "m-1", fmt.Sprintf("name-%d", i))
			default:
				ctx, cancel := context.WithCancel(t.Context())
				go cancel()
				_ = client.RenameImage(ctx, "m-1", "cancelled")
				errs <- nil
			}
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		g.Expect(err).NotTo(HaveOccurred())
	}
	g.Expect(cloud.Images()).To(HaveLen(1 + callers/4))
}

// TestConnectionsAreBounded holds the answers back until no more requests come in.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	const callers, limit = 200, 64
	var open, most, busy atomic.Int32
	full := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if busy.Add(1) == limit {
			close(full)
		}
		<-full
		_, _ = io.WriteString(rw, rows("0"))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			now := open.Add(1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
		case http.StateClosed:
			open.Add(-1)
		case http.StateActive, http.StateIdle, http.StateHijacked:
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	endpoint := connect(t, Config{Endpoint: server.URL}).endpoint
	var group sync.WaitGroup
	errs := make(chan error, callers)
	for range callers {
		// Connections belong to the endpoint, not to the account.
		group.Go(func() { errs <- readByID(t.Context(), endpoint.Client(keys)) })
	}
	group.Wait()
	for range callers {
		g.Expect(<-errs).NotTo(HaveOccurred())
	}
	g.Expect(most.Load()).To(BeNumerically("<=", limit))
	g.Expect(busy.Load()).To(BeEquivalentTo(callers))
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t)
	cloud.AddFault(enssim.Fault{Kind: enssim.ErrorBefore, Skip: 1, Times: 3, HTTPStatus: 400, Code: "NoPermission"})
	client := cloud.client(t)
	for range 6 {
		_ = readByID(t.Context(), client)
	}
	addresses := map[string]bool{}
	for _, request := range cloud.requests() {
		addresses[request.RemoteAddr] = true
	}
	g.Expect(cloud.requests()).To(HaveLen(6))
	g.Expect(addresses).To(HaveLen(1), "an error leaves the connection usable")
}
