// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/responses"
	sdkens "github.com/aliyun/alibaba-cloud-sdk-go/services/ens"
)

// Credentials are one access key of an account. No format verb, logger or encoder shows them.
type Credentials struct {
	AccessKeyID     string `json:"-"`
	AccessKeySecret string `json:"-"`
	// SecurityToken is set for temporary keys issued by STS.
	SecurityToken string `json:"-"`
}

const hiddenCredentials = "[credentials]"

// String implements fmt.Stringer.
func (Credentials) String() string { return hiddenCredentials }

// Format implements fmt.Formatter: a Stringer alone still shows its fields to %d and %#v.
func (Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenCredentials) }

// LogValue implements slog.LogValuer.
func (Credentials) LogValue() slog.Value { return slog.StringValue(hiddenCredentials) }

// Client calls the image API on behalf of one account. It is safe for concurrent use. Every error it returns is an
// *Error.
type Client struct {
	endpoint *Endpoint
	// creds is a function because fmt calls no methods on unexported fields: a value would be printed as it is.
	creds  func() Credentials
	limits *Limits
}

// Format implements fmt.Formatter. A client has nothing to show, and what it points to is in use.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[ENS client]") }

// Client returns a client for one account, without limits. It is cheap: connections belong to the endpoint.
func (e *Endpoint) Client(creds Credentials) *Client {
	return &Client{endpoint: e, creds: func() Credentials { return creds }, limits: NewLimits(0)}
}

// WithLimits returns a client whose listings wait for the limits, and whose calls all teach them. Before any other call the
// caller takes the right to it, for only he knows what else there is to do until then.
func (c *Client) WithLimits(limits *Limits) *Client {
	return &Client{endpoint: c.endpoint, creds: c.creds, limits: limits}
}

// call sends one request, exactly one time, and decodes the answer into response. The pin may be nil.
func (c *Client) call(ctx context.Context, request requests.AcsRequest, response responses.AcsResponse, pin *Pin) error {
	action := request.GetActionName()
	if action == ActionList && c.limits.waitToList(ctx, action) != nil {
		return (&exchange{ctx: ctx, failure: context.Canceled}).verdict(action, context.Canceled)
	}
	err := c.send(ctx, request, response, pin)
	c.limits.note(action, err)
	return err
}

func (c *Client) send(ctx context.Context, request requests.AcsRequest, response responses.AcsResponse, pin *Pin) error {
	ctx, cancel := context.WithTimeout(ctx, c.endpoint.callTimeout)
	defer cancel()
	exchange := &exchange{ctx: ctx, transport: c.endpoint.transport, creds: c.creds(), pin: pin, insecure: c.endpoint.insecure}

	// One SDK client for each call: a shared one writes to its http.Client in every call.
	config := sdk.NewConfig().WithAutoRetry(false).WithMaxRetryTime(0).WithUserAgent(c.endpoint.userAgent)
	config.Transport = exchange
	client, err := sdkens.NewClientWithOptions(c.endpoint.region, config,
		credentials.NewStsTokenCredential(exchange.creds.AccessKeyID, exchange.creds.AccessKeySecret, exchange.creds.SecurityToken))
	if err != nil {
		return exchange.verdict(request.GetActionName(), fmt.Errorf("creating the SDK client: %w", err))
	}
	// With a global tracer, the SDK would name a span after the signed URL.
	client.SetCloseTrace(true)
	// The transport knows the proxies. The SDK would read NO_PROXY as regular expressions, and fail when they are none.
	client.SetNoProxy("^$")
	client.SetHttpProxy("http:")
	client.SetHttpsProxy("http:")
	request.SetDomain(c.endpoint.host)
	request.SetScheme(c.endpoint.scheme)
	// The context bounds the call. The SDK's own timer would also end it, with an error that says less.
	request.SetReadTimeout(2 * c.endpoint.callTimeout)
	return exchange.verdict(request.GetActionName(), guard(func() error { return client.DoAction(request, response) }))
}

// guard turns a panic of the SDK's decoder into an error.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decoding the answer: %T", p)
		}
	}()
	return f()
}
