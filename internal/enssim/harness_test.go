// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	accountA = "1000000000000001"
	accountB = "1000000000000002"
)

var (
	keyA = AccessKey{ID: "LTAIa", Secret: "secret-of-a", AccountID: accountA}
	keyB = AccessKey{ID: "LTAIb", Secret: "secret-of-b", AccountID: accountB}
)

// fakeClock stands still until a test moves it.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// cloud is a simulator behind TLS with a clock that stands still, two accounts
// and one good object.
type cloud struct {
	*Simulator
	clock  *fakeClock
	server *httptest.Server
}

func newCloud(t *testing.T, changes ...func(*Behaviour)) *cloud {
	t.Helper()
	c := &cloud{clock: newFakeClock()}
	c.Simulator = New(Options{Now: c.clock.Now})
	c.SetBehaviour(func(b *Behaviour) {
		b.ListLag, b.RenameLag, b.DeleteLag = metav1.Duration{}, metav1.Duration{}, metav1.Duration{}
		for _, change := range changes {
			change(b)
		}
	})
	c.PutAccessKey(keyA)
	c.PutAccessKey(keyB)
	c.PutObject(Object{Bucket: "images", Key: "good.qcow2"})
	c.server = httptest.NewTLSServer(c.Simulator)
	t.Cleanup(c.server.Close)
	return c
}

// reply is what a raw HTTP client sees.
type reply struct {
	status int
	header http.Header
	text   string
}

func (r reply) code() string {
	var body struct{ Code any }
	if json.Unmarshal([]byte(r.text), &body) != nil {
		return "not JSON"
	}
	code, _ := body.Code.(string)
	return code
}

// into decodes a successful answer.
func (r reply) into(t *testing.T, target any) {
	t.Helper()
	NewWithT(t).Expect(r.status).To(Equal(http.StatusOK), r.text)
	NewWithT(t).Expect(json.Unmarshal([]byte(r.text), target)).To(Succeed(), r.text)
}

// signed returns the full set of V1 parameters with their signature.
func (c *cloud) signed(key AccessKey, action string, params map[string]string) url.Values {
	values := url.Values{
		"AccessKeyId": {key.ID}, "Action": {action}, "Format": {"JSON"}, "RegionId": {"cn-beijing"},
		"SignatureMethod": {"HMAC-SHA1"}, "SignatureNonce": {rand.Text()}, "SignatureType": {""}, "SignatureVersion": {"1.0"},
		"Timestamp": {c.clock.Now().Format("2006-01-02T15:04:05Z")}, "Version": {"2017-11-10"},
	}
	if key.SecurityToken != "" {
		values.Set("SecurityToken", key.SecurityToken)
	}
	for name, value := range params {
		values.Set(name, value)
	}
	values.Set("Signature", signV1(stringToSignV1(http.MethodPost, values), key.Secret))
	return values
}

// post sends the parameters as a form, without any SDK.
func (c *cloud) post(t *testing.T, values url.Values) (reply, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.server.URL+"/", strings.NewReader(values.Encode()))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.send(t, req)
}

func (c *cloud) send(t *testing.T, req *http.Request) (reply, error) {
	t.Helper()
	client := *c.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(text)}, err
}

// call signs and sends an action and expects some answer.
func (c *cloud) call(t *testing.T, key AccessKey, action string, params map[string]string) reply {
	t.Helper()
	answer, err := c.post(t, c.signed(key, action, params))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return answer
}

// importParams are the parameters of an import that succeeds.
func importParams(name string, more ...string) map[string]string {
	params := map[string]string{
		"ImageName": name, "ComputeType": "ens_vm", "OSType": "linux", "ImageFormat": "qcow2", "Architecture": "x86_64",
		"OSSRegion": "cn-beijing", "OSSBucket": "images", "OSSObject": "good.qcow2",
	}
	for i := 0; i+1 < len(more); i += 2 {
		if params[more[i]] = more[i+1]; more[i+1] == "-" {
			delete(params, more[i])
		}
	}
	return params
}

// imported imports an image and returns its id.
func (c *cloud) imported(t *testing.T, name string, more ...string) string {
	t.Helper()
	var result struct{ ImageId string } //nolint:revive // the name on the wire
	c.call(t, keyA, "ImportImage", importParams(name, more...)).into(t, &result)
	return result.ImageId
}

// listing is a DescribeSelfImages answer as the documents show it.
type listing struct {
	Code                             *int
	PageNumber, PageSize, TotalCount string
	Images                           struct{ Image []imageRow }
}

func (l listing) names() []string {
	names := []string{}
	for _, row := range l.Images.Image {
		names = append(names, row.ImageName)
	}
	return names
}

// list asks for images; more are parameter names and values.
func (c *cloud) list(t *testing.T, key AccessKey, more ...string) listing {
	t.Helper()
	params := map[string]string{}
	for i := 0; i+1 < len(more); i += 2 {
		params[more[i]] = more[i+1]
	}
	var result listing
	c.call(t, key, "DescribeSelfImages", params).into(t, &result)
	return result
}

// roundTripper hides the *http.Transport, which the SDK would change under
// every other client that shares it.
type roundTripper struct{ http.RoundTripper }

// sdkCall runs an action through an SDK client of its own.
func (c *cloud) sdkCall(key AccessKey, action string, params map[string]string) (string, error) {
	config := sdk.NewConfig().WithScheme("HTTPS")
	config.Transport = roundTripper{c.server.Client().Transport}
	client, err := sdk.NewClientWithOptions("cn-beijing", config,
		credentials.NewStsTokenCredential(key.ID, key.Secret, key.SecurityToken))
	if err != nil {
		return "", err
	}
	request := requests.NewCommonRequest()
	request.Method, request.Scheme = requests.POST, requests.HTTPS
	request.Domain = c.server.Listener.Addr().String()
	request.Version, request.ApiName = "2017-11-10", action
	maps.Copy(request.QueryParams, params)
	response, err := client.ProcessCommonRequest(request)
	if err != nil {
		return "", err
	}
	return response.GetHttpContentString(), nil
}

// tlsClient speaks TLS to the server over a connection of its own.
func tlsClient(c *cloud, connection net.Conn) *tls.Conn {
	config := c.server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.ServerName = "example.com"
	return tls.Client(connection, config)
}
