// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

const importImage = "ImportImage"

// lateBound is when a late request arrives at the latest. It stays within timestampWindow, or the cloud would refuse it.
const lateBound = time.Second

// cloudGate stands between one manager and the simulator, which all managers of a run share.
type cloudGate struct{ *manager }

func (c cloudGate) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	defer c.run.busy()()
	body, err := io.ReadAll(request.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	action := request.URL.Query().Get("Action")
	at, ordinal, err := c.gate.enter("cloud-" + action)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	// What has arrived is carried out, even if the caller does not live to see the answer.
	request = request.Clone(context.WithoutCancel(request.Context()))
	request.Body = io.NopCloser(bytes.NewReader(body))

	switch at {
	case before:
		c.note("cloud-%s-%d is not sent: killed", action, ordinal)
		close(c.gate.killed)
		panic(http.ErrAbortHandler)
	case late:
		c.note("cloud-%s-%d is on its way: killed", action, ordinal)
		c.run.deliverLate(func() { c.deliver(request, action) })
		close(c.gate.killed)
		panic(http.ErrAbortHandler)
	case none, after:
	}
	response := c.deliver(request, action)
	if at == after {
		c.note("killed")
		close(c.gate.killed)
	}
	if response == nil || c.gate.isClosed() {
		panic(http.ErrAbortHandler)
	}
	if action == "DescribeSelfImages" {
		c.looked()
	}
	maps.Copy(w.Header(), response.Header())
	w.WriteHeader(response.Code)
	_, _ = w.Write(response.Body.Bytes())
}

// deliver hands the request to the simulator. It returns nil when a fault of the simulator drops the connection.
func (c cloudGate) deliver(request *http.Request, action string) (response *httptest.ResponseRecorder) {
	recorder := httptest.NewRecorder()
	defer func() {
		if dropped := recover(); dropped != nil && dropped != http.ErrAbortHandler { //nolint:errorlint // net/http compares so, too
			panic(dropped)
		} else if dropped != nil {
			c.note("cloud-%s: connection dropped", action)
		} else {
			c.note("cloud-%s: %d", action, recorder.Code)
			response = recorder
		}
		if action == importImage {
			c.run.putNeighbours()
		}
	}()
	c.run.cloud.ServeHTTP(recorder, request)
	return recorder
}

// putNeighbours gives each imported image a neighbour that a fuzzy search for it finds as well, and finds first: name
// and ID contain those of the imported one. Who takes the first row of an answer takes an image that is not the operator's.
func (r *run) putNeighbours() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, image := range imported(r.cloud) {
		if !r.accompanied[image.ImageID] {
			r.accompanied[image.ImageID] = true
			r.putForeign(enssim.Image{ImageID: image.ImageID + "x", ImageName: image.ImageName + "-copy"})
		}
	}
}

// imported returns the calls of ImportImage that the cloud carried out, as images with ID and first name.
func imported(cloud *enssim.Simulator) []enssim.Image {
	var images []enssim.Image
	for _, call := range cloud.History() {
		if call.Action == importImage && call.Executed {
			images = append(images, enssim.Image{ImageID: call.ImageID, ImageName: call.Params["ImageName"]})
		}
	}
	return images
}

func names(images []enssim.Image) string {
	list := make([]string, len(images))
	for i, image := range images {
		list[i] = image.ImageName + " (" + image.ImageID + ")"
	}
	return strings.Join(list, ", ")
}
