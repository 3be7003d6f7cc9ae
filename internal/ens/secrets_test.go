// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/zapr"
	. "github.com/onsi/gomega"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// printed returns the value in all ways in which it may get into a log or a status.
func printed(t *testing.T, value any) string {
	t.Helper()
	var all bytes.Buffer
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
		fmt.Fprintf(&all, format+"\n", value)
		fmt.Fprintf(&all, format+"\n", []any{value})
		fmt.Fprintf(&all, format+"\n", map[string]any{"key": value})
	}
	_ = json.NewEncoder(&all).Encode(value)
	slog.New(slog.NewTextHandler(&all, nil)).Info("text", "value", value)
	slog.New(slog.NewJSONHandler(&all, nil)).Info("json", "value", value)
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	logger := zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&all), zap.DebugLevel))
	zapr.NewLogger(logger).Info("the operator's logger", "value", value)
	return all.String()
}

func expectNoSecret(t *testing.T, text string, addresses ...string) {
	t.Helper()
	g := NewWithT(t)
	for _, secret := range append(addresses, canary, hex.EncodeToString([]byte(canary)), strings.ToUpper(hex.EncodeToString([]byte(canary)))) {
		g.Expect(text).NotTo(ContainSubstring(secret))
	}
	for _, sign := range []string{"signature=", "signature%3d", "signature%253d", "https://", "http://", "securitytoken="} {
		g.Expect(strings.ToLower(text)).NotTo(ContainSubstring(sign))
	}
}

// TestNoErrorHoldsASecret runs every method through every fault.
func TestNoErrorHoldsASecret(t *testing.T) {
	t.Parallel()
	cases := map[string]func(t *testing.T) *Client{
		"wrong secret, which the cloud answers with the string to sign": func(t *testing.T) *Client {
			t.Helper()
			cloud := newCloud(t)
			wrong := keys
			wrong.AccessKeySecret = "canary of another secret"
			return cloud.client(t).endpoint.Client(wrong)
		},
		"unknown key":         withFault(enssim.Fault{Kind: enssim.ErrorBefore, HTTPStatus: 404, Code: "InvalidAccessKeyId.NotFound", Message: keys.AccessKeyID}),
		"secrets in the code": withFault(enssim.Fault{Kind: enssim.ErrorBefore, Code: keys.AccessKeySecret, Message: keys.SecurityToken}),
		"secrets in a 200":    withFault(enssim.Fault{Kind: enssim.RawBody, Body: `{"RequestId":"` + keys.SecurityToken + `","Code":"` + keys.AccessKeySecret + `"}`}),
		"500":                 withFault(enssim.Fault{Kind: enssim.ErrorAfter}),
		"dropped":             withFault(enssim.Fault{Kind: enssim.DropAfter}),
		"redirect":            withFault(enssim.Fault{Kind: enssim.Redirect, Location: "https://elsewhere.invalid/"}),
		"timeout":             withFault(enssim.Fault{Kind: enssim.Delay, Delay: time.Hour}),
		"unreadable":          withFault(enssim.Fault{Kind: enssim.RawBody, Body: `{"RequestId":"` + keys.AccessKeyID}),
		"panic of the SDK":    withFault(enssim.Fault{Kind: enssim.RawBody, HTTPStatus: 400, Body: `{"RequestId":"` + keys.SecurityToken + `","Code":400}`}),
		"connection refused": func(t *testing.T) *Client {
			t.Helper()
			cloud := newCloud(t)
			cloud.server.Close()
			return cloud.client(t)
		},
		"untrusted certificate": func(t *testing.T) *Client {
			t.Helper()
			cloud := newCloud(t)
			return cloud.client(t, func(c *Config) { c.RootCAs = nil })
		},
		"refused by the SDK": func(t *testing.T) *Client {
			t.Helper()
			cloud := newCloud(t)
			return cloud.client(t, func(c *Config) { c.Region = "canary region" })
		},
	}
	for name, echo := range echoes {
		cases["echo: "+name] = func(t *testing.T) *Client {
			t.Helper()
			server := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				text := quote(echo(r))
				rw.WriteHeader(http.StatusBadRequest)
				fmt.Fprintf(rw, `{"RequestId":%s,"Code":%s,"Message":%s,"HostId":%s,"Recommend":%s}`, text, text, text, text, text)
			}))
			return server.plainClient(t)
		}
	}
	for name, start := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := start(t)
			host := client.endpoint.host
			for _, call := range methods {
				e := failed(t, call(t.Context(), client))
				expectNoSecret(t, printed(t, e)+printed(t, *e)+e.Error(), host)
			}
			holder := struct{ hidden *Client }{client}
			expectNoSecret(t, printed(t, client)+printed(t, client.endpoint)+printed(t, holder), host)
		})
	}
}

func withFault(fault enssim.Fault) func(*testing.T) *Client {
	return func(t *testing.T) *Client {
		t.Helper()
		cloud := newCloud(t)
		cloud.AddFault(fault)
		return cloud.plainClient(t, func(c *Config) {
			if fault.Kind == enssim.Delay {
				c.CallTimeout = 50 * time.Millisecond
			}
		})
	}
}

// echoes are what servers and proxies repeat of a request.
var echoes = map[string]func(*http.Request) string{
	"the query":          func(r *http.Request) string { return "bad request: /?" + r.URL.RawQuery },
	"the query, encoded": func(r *http.Request) string { return "bad request: " + url.QueryEscape(r.URL.RawQuery) },
	"the query, encoded twice": func(r *http.Request) string {
		return "bad request: " + url.QueryEscape(url.QueryEscape(r.URL.RawQuery))
	},
	"the query, decoded":        func(r *http.Request) string { q, _ := url.QueryUnescape(r.URL.RawQuery); return q },
	"the query in a longer one": func(r *http.Request) string { return strings.Repeat("x", 1000) + r.URL.RawQuery },
	"the keys": func(r *http.Request) string {
		return keys.AccessKeyID + keys.AccessKeySecret + r.FormValue("SecurityToken")
	},
	"the keys, encoded": func(*http.Request) string {
		return url.QueryEscape(keys.SecurityToken + " and " + keys.AccessKeySecret)
	},
	"the keys, encoded twice": func(*http.Request) string {
		return url.QueryEscape(url.QueryEscape(keys.SecurityToken + keys.AccessKeySecret))
	},
	"a key that ends at the limit": func(*http.Request) string {
		return strings.Repeat("x", maxText-len(keys.SecurityToken)/2) + keys.SecurityToken
	},
}

func TestCredentialsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	for _, value := range []any{keys, &keys, []Credentials{keys}, map[string]Credentials{"a": keys}, struct{ C Credentials }{keys}} {
		expectNoSecret(t, printed(t, value))
	}
	NewWithT(t).Expect(fmt.Sprint(keys, &keys)).To(Equal("[credentials] [credentials]"))
	NewWithT(t).Expect(keys.String()).To(Equal("[credentials]"))
}

// TestScrubKeepsTheRest : texts without secrets stay as they are.
func TestScrubKeepsTheRest(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for _, text := range []string{
		"", "The specified field ImageName invalid.", "SignatureDoesNotMatch", "Specified signature nonce was used already.",
		"SignatureMethod=HMAC-SHA1 is missing", "日志 100%", strings.Repeat("x", maxText),
	} {
		g.Expect(keys.scrub(text, maxText)).To(Equal(text))
	}
	g.Expect(Credentials{}.scrub("no keys, no stars", maxText)).To(Equal("no keys, no stars"))
	odd := Credentials{AccessKeyID: "\xff\xfe", AccessKeySecret: "(", SecurityToken: "%"}
	g.Expect(odd.scrub("a(b%c", maxText)).To(Equal("a***b***c"))
}

func TestNewEndpointRefusesToWorkWithDebugOutput(t *testing.T) {
	for value, refused := range map[string]bool{"sdk": true, "http,sdk": true, "sdk,http": true, "": false, "sdks": false, "http": false} {
		t.Setenv("DEBUG", value)
		_, err := NewEndpoint(Config{})
		NewWithT(t).Expect(err != nil).To(Equal(refused), value)
	}
}

// TestNothingIsPrinted looks at the two outputs of the process while calls fail.
func TestNothingIsPrinted(t *testing.T) {
	g := NewWithT(t)
	outputs := map[string]**os.File{"stdout": &os.Stdout, "stderr": &os.Stderr}
	for name, output := range outputs {
		file, err := os.Create(t.TempDir() + "/" + name)
		g.Expect(err).NotTo(HaveOccurred())
		defer func(kept *os.File) { *output = kept }(*output)
		*output = file
	}
	for _, fault := range []enssim.Fault{{}, {Kind: enssim.ErrorBefore}, {Kind: enssim.DropAfter}, {Kind: enssim.RawBody, Body: "{"}} {
		client := withFault(fault)(t)
		for _, call := range methods {
			_ = call(context.WithoutCancel(t.Context()), client)
		}
	}
	for name, output := range outputs {
		text, err := os.ReadFile((*output).Name())
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(text)).To(BeEmpty(), name)
	}
}
