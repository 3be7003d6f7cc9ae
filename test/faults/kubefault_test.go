// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kubeRefusal is an answer of the apiserver that is not the one hoped for.
func kubeRefusal(code int32, why metav1.StatusReason) *reply {
	body, _ := json.Marshal(metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure,
		Code: code, Reason: why, Message: "a fault",
	})
	return &reply{status: int(code), header: http.Header{"Content-Type": {"application/json"}}, body: body}
}

// atOnce makes client-go itself send the request again.
func atOnce(r *reply) *reply {
	r.header.Set("Retry-After", "0")
	return r
}

// kubeRefusals happen to reads and writes.
func kubeRefusals() []fault {
	refuse := func(code int32, why metav1.StatusReason) func(*exchange) *reply {
		return func(*exchange) *reply { return kubeRefusal(code, why) }
	}
	return []fault{
		simple("500-not-executed", refuse(http.StatusInternalServerError, metav1.StatusReasonInternalError)).inPairs(),
		simple("500-executed", func(x *exchange) *reply {
			x.execute()
			return kubeRefusal(http.StatusInternalServerError, metav1.StatusReasonInternalError)
		}),
		simple("504-executed", func(x *exchange) *reply {
			x.execute()
			return kubeRefusal(http.StatusGatewayTimeout, metav1.StatusReasonTimeout)
		}).inPairs(),
		simple("503-executed-sent-again", func(x *exchange) *reply {
			x.execute()
			return atOnce(kubeRefusal(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable))
		}),
		simple("429", refuse(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests)).inPairs(),
		simple("429-sent-again", func(*exchange) *reply {
			return atOnce(kubeRefusal(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests))
		}),
		simple("429-for-10m", func(x *exchange) *reply {
			return x.w.outage(x.site, 10*time.Minute, kubeRefusal(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests))
		}),
		simple("409", refuse(http.StatusConflict, metav1.StatusReasonConflict)).inPairs(),
		simple("410", refuse(http.StatusGone, metav1.StatusReasonGone)),
		simple("404", refuse(http.StatusNotFound, metav1.StatusReasonNotFound)).inPairs(),
		simple("403", refuse(http.StatusForbidden, metav1.StatusReasonForbidden)),
	}
}

// kubeWriteFaults are for K2 to K5.
func kubeWriteFaults() []fault {
	return slices.Concat(processFaults(), networkFaults(), deliveryFaults(), kubeRefusals(), userFaults(), []fault{
		simple("409-executed", func(x *exchange) *reply {
			x.execute()
			return kubeRefusal(http.StatusConflict, metav1.StatusReasonConflict)
		}),
	})
}

// secretFaults are for K6.
func secretFaults() []fault {
	return slices.Concat(processFaults(), networkFaults(), kubeRefusals(), keyFaults(), []fault{
		simple("secret-deleted", func(x *exchange) *reply { x.w.dropSecret(); return x.execute() }),
	})
}

// cacheFaults are for K1. They begin at a read and go on for as many as they name.
func cacheFaults() []fault {
	return []fault{
		{name: "stale-1", lags: []int{1}, paired: true},
		{name: "stale-2", lags: []int{2}},
		{name: "stale-3", lags: []int{3}},
		{name: "stale-9", lags: []int{9}},
		{name: "stale-for-3-reads", lags: []int{1, 2, 1}, paired: true},
		{name: "held-watch", lags: []int{held, held, held, held}, paired: true},
		{name: "time-travel", lags: []int{0, 2, 0, 1}, paired: true},
	}
}
