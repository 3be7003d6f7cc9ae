// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// processes finds the process that sent a request by the name in its user agent.
var (
	processes   sync.Map
	processName = regexp.MustCompile(`fault-process-[0-9]+`)
)

// cloudServer is one HTTPS server for all worlds: it passes each request to the simulator of its sender.
var cloudServer = sync.OnceValue(func() *httptest.Server {
	server := httptest.NewUnstartedServer(http.HandlerFunc(serveCloud))
	server.StartTLS()
	return server
})

func cloudRoots() *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(cloudServer().Certificate())
	return roots
}

func serveCloud(rw http.ResponseWriter, request *http.Request) {
	found, known := processes.Load(processName.FindString(request.UserAgent()))
	if !known {
		panic(http.ErrAbortHandler)
	}
	p := found.(*process)
	body, err := io.ReadAll(request.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	action := request.URL.Query().Get("Action")
	p.w.stamp(request)
	x := &exchange{w: p.w, p: p, site: p.w.cloudSite(action)}
	x.execute = func() *reply { return p.w.deliver(request, body) }
	answer := p.w.pass(x)
	p.w.heard(x, answer)
	if answer == nil {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(rw.Header(), answer.header)
	rw.WriteHeader(answer.status)
	_, _ = rw.Write(answer.body)
}

// deliver hands a request to the simulator, which checks it as if it had just arrived.
func (w *world) deliver(request *http.Request, body []byte) *reply {
	sent := request.Clone(context.WithoutCancel(request.Context()))
	sent.Body = io.NopCloser(bytes.NewReader(body))
	recorder := httptest.NewRecorder()
	w.cloud.ServeHTTP(recorder, sent)
	answer := &reply{status: recorder.Code, header: recorder.Header(), body: recorder.Body.Bytes()}
	if id := importedID(answer); request.URL.Query().Get("Action") == "ImportImage" && id != "" {
		w.plantDecoys(id, request.URL.Query().Get("ImageName"))
	}
	return answer
}

func importedID(answer *reply) string {
	var imported struct {
		ImageID string `json:"ImageId"`
	}
	if answer == nil || answer.status != http.StatusOK || json.Unmarshal(answer.body, &imported) != nil {
		return ""
	}
	return imported.ImageID
}

func (w *world) cloudSite(action string) site {
	switch action {
	case "ImportImage":
		w.accepted, w.deleting = false, false
		return importCall
	case "DeleteImage":
		w.deleting = true
		return deleteCall
	case "ModifyImageAttribute":
		return renameCall
	case "ModifyImageSharePermission":
		return shareCall
	case "DescribeImageSharePermission":
		return shareLook
	case "DescribeSelfImages":
		switch {
		case w.deleting:
			return goneLook
		case w.accepted:
			return follow
		}
		return lookUp
	}
	return nowhere
}

func (w *world) heard(x *exchange, answer *reply) {
	if x.site == importCall && importedID(answer) != "" {
		w.accepted = true
	}
}

// plantDecoys adds images of others that a careless search would take for ours: the token within a name, an ID that is
// the beginning of ours and one that ours is the beginning of.
func (w *world) plantDecoys(id, name string) {
	token := name[len(name)-26:]
	for decoyID, decoyName := range map[string]string{
		id + "0":           "copy-of-" + name + "-1",
		id[:len(id)-2]:     name[:len(name)-1],
		"m-decoy" + id[4:]: "x" + token[:20],
	} {
		w.foreign[decoyID] = decoyName
		w.cloud.PutImage(enssim.Image{ImageID: decoyID, ImageName: decoyName})
	}
}
