// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"bufio"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// The tests of this file show the faults of the SDK for which this package has a cure. When one of them fails with a
// newer SDK, the fault is gone, and the cure may go as well.

// bareSDK calls with the SDK as its documents show it. The transport hides its type, or the SDK would change it.
func bareSDK(t *testing.T, transport http.RoundTripper, change func(*sdk.Config)) *sdk.Client {
	t.Helper()
	config := sdk.NewConfig()
	config.Transport = transportFunc(transport.RoundTrip)
	if change != nil {
		change(config)
	}
	client, err := sdk.NewClientWithOptions("cn-beijing", config,
		credentials.NewStsTokenCredential(keys.AccessKeyID, keys.AccessKeySecret, keys.SecurityToken))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return client
}

func bareImport(domain, scheme string) *requests.CommonRequest {
	request := requests.NewCommonRequest()
	request.Domain, request.Scheme = domain, scheme
	request.Version, request.ApiName = "2017-11-10", "ImportImage"
	return request
}

// bareCommon sends a generic request and returns its error.
func bareCommon(client *sdk.Client, request *requests.CommonRequest) error {
	_, err := client.ProcessCommonRequest(request)
	return err
}

func TestTheSDKRetriesImports(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t)
	cloud.AddFault(enssim.Fault{Kind: enssim.ErrorAfter})
	client := bareSDK(t, cloud.server.Client().Transport, func(c *sdk.Config) { c.AutoRetry = true })
	request := bareImport(cloud.server.Listener.Addr().String(), requests.HTTPS)
	request.Method = requests.POST
	maps.Copy(request.QueryParams, map[string]string{
		"ImageName": "golden", "ComputeType": "ens_vm", "OSType": "linux", "ImageFormat": "qcow2", "Architecture": "x86_64",
		"OSSBucket": "images", "OSSObject": "good.qcow2",
	})
	g.Expect(bareCommon(client, request)).NotTo(Succeed())
	g.Expect(cloud.Images()).To(HaveLen(4), "each with a nonce of its own")
}

func TestTheSDKUsesGETAndHTTPByDefault(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var sent *http.Request
	client := bareSDK(t, transportFunc(func(r *http.Request) (*http.Response, error) { sent = r; return nil, io.EOF }), nil)
	err := bareCommon(client, bareImport("ens.invalid", ""))
	g.Expect(sent.Method).To(Equal(http.MethodGet))
	g.Expect(sent.URL.Scheme).To(Equal("http"))
	g.Expect(err).To(MatchError(And(
		ContainSubstring("AccessKeyId="+keys.AccessKeyID), ContainSubstring("Signature="), ContainSubstring("SecurityToken=canary"))))
}

// TestGoReplaysTheSDKsGET : one call, two requests on the wire with the same nonce.
func TestGoReplaysTheSDKsGET(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var received atomic.Int32
	listener := listen(t, func(connection net.Conn) {
		reader := bufio.NewReader(connection)
		for number := 1; ; number++ {
			if _, err := http.ReadRequest(reader); err != nil {
				return
			}
			received.Add(1)
			if number > 1 {
				return
			}
			_, _ = io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		}
	})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := bareSDK(t, transport, nil)
	for range 2 {
		g.Expect(bareCommon(client, bareImport(listener.Addr().String(), requests.HTTP))).To(Succeed())
	}
	g.Expect(received.Load()).To(BeEquivalentTo(3))
}

func TestTheSDKPanicsOnOddErrors(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"Code":400}`, `{"RequestId":1}`, `{"Message":[]}`, `{"Code":"Forbidden.RAM","AccessDeniedDetail":"no"}`} {
		server := answering(t, http.StatusBadRequest, body)
		client := bareSDK(t, server.server.Client().Transport, nil)
		NewWithT(t).Expect(func() { _ = bareCommon(client, bareImport(server.server.Listener.Addr().String(), requests.HTTPS)) }).To(Panic(), body)
	}
}

func TestTheSDKTakesRefusalsAndNothingForSuccess(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `null`, `{"RequestId":"R-1","Code":"NoPermission"}`} {
		g := NewWithT(t)
		server := answering(t, http.StatusOK, body)
		client := bareSDK(t, server.server.Client().Transport, nil)
		request := CreateImportImageRequest()
		request.Domain, request.Scheme = server.server.Listener.Addr().String(), requests.HTTPS
		g.Expect(client.DoAction(request, CreateImportImageResponse())).To(Succeed(), body)
	}
}

// TestTheSDKSendsNull : so DiskDeviceMapping is a string in our request.
func TestTheSDKSendsNull(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	request := struct {
		*requests.RpcRequest
		DiskDeviceMapping *[]ImportImageDiskDeviceMapping `position:"Query" name:"DiskDeviceMapping" type:"Json"`
	}{RpcRequest: &requests.RpcRequest{}}
	request.InitWithApiInfo("Ens", "2017-11-10", "ImportImage", "ens", "openAPI")
	g.Expect(requests.InitParams(&request)).To(Succeed())
	g.Expect(request.GetQueryParams()).To(HaveKeyWithValue("DiskDeviceMapping", "null"))
}

func TestTheSDKReadsNoProxyAsRegularExpressions(t *testing.T) {
	t.Setenv("NO_PROXY", "*.example.com,+.example.org")
	client := bareSDK(t, transportFunc(func(*http.Request) (*http.Response, error) { return nil, io.EOF }), nil)
	NewWithT(t).Expect(bareCommon(client, bareImport("ens.invalid", ""))).To(MatchError(ContainSubstring("error parsing regexp")))
}

// TestTheSDKPrintsSignedRequests runs itself again, because the SDK reads DEBUG when the process starts.
func TestTheSDKPrintsSignedRequests(t *testing.T) {
	t.Parallel()
	if os.Getenv("DEBUG") == "sdk" {
		client := bareSDK(t, transportFunc(func(*http.Request) (*http.Response, error) { return nil, io.EOF }), nil)
		_ = bareCommon(client, bareImport("ens.invalid", requests.HTTPS))
		return
	}
	g := NewWithT(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestTheSDKPrintsSignedRequests$")
	command.Env = append(os.Environ(), "DEBUG=sdk")
	output, err := command.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), string(output))
	g.Expect(string(output)).To(And(ContainSubstring("SecurityToken=canary"), ContainSubstring("Signature=")))
}
