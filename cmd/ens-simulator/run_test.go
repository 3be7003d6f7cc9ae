// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// output is a buffer that a running simulator and a test may share.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(text)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// program is a running simulator.
type program struct {
	address string
	stderr  *output
	stop    func() error
}

// start runs the simulator on a free port until the test ends.
func start(t *testing.T, args ...string) program {
	t.Helper()
	g := NewWithT(t)
	addressFile := filepath.Join(t.TempDir(), "address")
	ctx, cancel := context.WithCancel(t.Context())
	stderr, ended := &output{}, make(chan error, 1)
	go func() {
		ended <- run(ctx, append([]string{"--listen", "127.0.0.1:0", "--address-file", addressFile}, args...), stderr)
	}()
	var address string
	g.Eventually(func() string {
		content, _ := os.ReadFile(addressFile)
		address = string(content)
		return address
	}, 5*time.Second).Should(MatchRegexp(`^127\.0\.0\.1:[1-9]\d*$`), stderr.String)
	var once sync.Once
	var err error
	stop := func() error {
		once.Do(func() { cancel(); err = <-ended })
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return program{address, stderr, stop}
}

func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	g := NewWithT(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	response, err := client.Do(req)
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	g.Expect(err).NotTo(HaveOccurred())
	return string(text)
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	NewWithT(t).Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
	return path
}

func TestPlainHTTPWithSeedStateAndLog(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	seed := writeFile(t, `
accessKeys: [{id: LTAIa, secret: canary, accountID: "1"}]
images: [{imageID: m-1, imageName: seeded}]
`)
	state := filepath.Join(t.TempDir(), "state.json")
	first := start(t, "--seed", seed, "--state-file", state, "--log-calls")
	g.Expect(get(t, http.DefaultClient, "http://"+first.address+"/-/images")).To(ContainSubstring("seeded"))
	g.Expect(get(t, http.DefaultClient, "http://"+first.address+"/?Action=DescribeSelfImages&AccessKeyId=LTAIa")).To(ContainSubstring("MissingVersion"))
	g.Eventually(first.stderr.String).Should(MatchRegexp(`(?m)^.* msg=call seq=1 action=DescribeSelfImages accessKeyID=LTAIa httpStatus=400 code=MissingVersion .*$`))
	g.Expect(first.stderr.String()).NotTo(ContainSubstring("canary"))
	g.Expect(first.stderr.String()).To(ContainSubstring("url=http://" + first.address))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "http://"+first.address+"/-/images/m-1", http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	response, err := http.DefaultClient.Do(req)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(response.Body.Close()).To(Succeed())
	g.Expect(first.stop()).To(Succeed(), "an end by signal is a success")

	second := start(t, "--seed", seed, "--state-file", state)
	g.Expect(get(t, http.DefaultClient, "http://"+second.address+"/-/images")).To(Equal("[]\n"), "the state wins over the seed")
}

func TestSelfSignedHTTPS(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	running := start(t, "--tls-self-signed-ca-file", caFile)
	ca, err := os.ReadFile(caFile)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(ca)).NotTo(ContainSubstring("PRIVATE"))
	pool := x509.NewCertPool()
	g.Expect(pool.AppendCertsFromPEM(ca)).To(BeTrue())
	port := running.address[strings.LastIndex(running.address, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost"} {
		client := &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		}}
		g.Expect(get(t, client, "https://"+host+port+"/-/healthz")).To(ContainSubstring("ok"))
		client.CloseIdleConnections()
	}
}

func TestWrongUseEndsWithOneLine(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	cases := map[string]struct {
		args    []string
		message string
	}{
		"unknown flag":     {[]string{"--colour"}, "-colour"},
		"argument":         {[]string{"serve"}, `"serve"`},
		"bad address":      {[]string{"--listen", "nowhere"}, "nowhere"},
		"certificate only": {[]string{"--tls-cert-file", "a"}, "--tls-key-file"},
		"key only":         {[]string{"--tls-key-file", "a"}, "--tls-cert-file"},
		"two certificates": {[]string{"--tls-cert-file", "a", "--tls-key-file", "b", "--tls-self-signed-ca-file", "c"}, "--tls-self-signed-ca-file"},
		"no certificate":   {[]string{"--tls-cert-file", missing, "--tls-key-file", missing}, missing},
		"no place for CA":  {[]string{"--tls-self-signed-ca-file", missing + "/ca"}, missing},
		"no seed":          {[]string{"--seed", missing}, missing},
		"bad seed":         {[]string{"--seed", writeFile(t, "colour: red\nshape: round")}, `"colour"`},
		"bad state":        {[]string{"--state-file", writeFile(t, "red")}, "state"},
		"no address file":  {[]string{"--listen", "127.0.0.1:0", "--address-file", missing + "/a"}, missing},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			var stderr output
			err := run(t.Context(), test.args, &stderr)
			g.Expect(err).To(MatchError(ContainSubstring(test.message)))
			g.Expect(oneLine(err)).NotTo(ContainSubstring("\n"))
			g.Expect(stderr.String()).To(BeEmpty(), "main prints the line")
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var stderr output
	g.Expect(run(t.Context(), []string{"-h"}, &stderr)).To(MatchError(flag.ErrHelp))
	for _, name := range []string{
		"listen", "address-file", "tls-self-signed-ca-file", "tls-cert-file", "tls-key-file", "seed", "state-file", "log-calls",
	} {
		g.Expect(stderr.String()).To(ContainSubstring("-" + name))
	}
}
