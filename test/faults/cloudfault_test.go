// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// cloudRefusal is an error answer in the cloud's form.
func cloudRefusal(status int, code string) *reply {
	body, _ := json.Marshal(map[string]string{"RequestId": "11111111-2222-4333-8444-555555555555", "Code": code, "Message": "a fault"})
	return raw(status, string(body))
}

func raw(status int, body string) *reply {
	return &reply{status: status, header: http.Header{"Content-Type": {"application/json"}}, body: []byte(body)}
}

// cloudRefusals happen to every call.
func cloudRefusals() []fault {
	throttled := func() *reply { return cloudRefusal(http.StatusBadRequest, "Throttling.User") }
	return []fault{
		simple("5xx-not-executed", func(*exchange) *reply { return cloudRefusal(500, "InternalError") }).inPairs(),
		simple("5xx-executed", func(x *exchange) *reply { x.execute(); return cloudRefusal(503, "ServiceUnavailable") }).inPairs(),
		simple("unknown-code-not-executed", func(*exchange) *reply { return cloudRefusal(400, "Surprise.Code") }),
		simple("unknown-code-executed", func(x *exchange) *reply { x.execute(); return cloudRefusal(400, "Surprise.Code") }),
		simple("throttled", func(*exchange) *reply { return throttled() }).inPairs(),
		simple("throttled-30m", func(x *exchange) *reply { return x.w.outage(x.site, 30*time.Minute, throttled()) }),
		simple("5xx-for-30m", func(x *exchange) *reply {
			return x.w.outage(x.site, 30*time.Minute, cloudRefusal(503, "ServiceUnavailable"))
		}),
		simple("proxy-502-executed", func(x *exchange) *reply { x.execute(); return raw(502, "<html>Bad Gateway</html>") }),
		simple("redirect", func(*exchange) *reply {
			return &reply{status: http.StatusTemporaryRedirect, header: http.Header{"Location": {cloudServer().URL}}}
		}),
		simple("half-an-answer", func(x *exchange) *reply {
			r := x.execute()
			return raw(r.status, string(r.body[:len(r.body)/2]))
		}).inPairs(),
		simple("empty-200", func(x *exchange) *reply { x.execute(); return raw(200, "") }),
		simple("null-200", func(x *exchange) *reply { x.execute(); return raw(200, "null") }),
	}
}

// keyFaults change what the key may do while it is used. The user mends it when the object asks for it.
func keyFaults() []fault {
	change := func(f func(*enssim.AccessKey, *world)) func(*exchange) *reply {
		return func(x *exchange) *reply {
			w := x.w
			at := 3 * (w.keys - 1)
			key := enssim.AccessKey{Secret: w.canaries[at], SecurityToken: w.canaries[at+1], ID: w.canaries[at+2], AccountID: accountID}
			f(&key, w)
			w.cloud.PutAccessKey(key)
			return x.execute()
		}
	}
	return []fault{
		simple("token-expired", change(func(k *enssim.AccessKey, w *world) { now := w.clock.Now(); k.Expires = &now })),
		simple("key-revoked", change(func(k *enssim.AccessKey, _ *world) { k.Inactive = true })).inPairs(),
		simple("key-replaced", change(func(k *enssim.AccessKey, _ *world) { k.Secret = "another" })),
		simple("permission-withdrawn", change(func(k *enssim.AccessKey, _ *world) { k.Deny = []string{"*"} })),
		simple("key-rotated", func(x *exchange) *reply { x.w.renewKey(); return x.execute() }),
	}
}

// cloudWriteFaults are for every call that changes something.
func cloudWriteFaults() []fault {
	return slices.Concat(processFaults(), networkFaults(), deliveryFaults(), cloudRefusals(), keyFaults(), userFaults())
}

// importFaults are for C1.
func importFaults() []fault {
	return slices.Concat(cloudWriteFaults(), []fault{
		simple("no-ImageId", func(x *exchange) *reply { x.execute(); return raw(200, `{"RequestId":"1"}`) }).inPairs(),
		simple("no-ImageId-not-executed", func(*exchange) *reply { return raw(200, `{"RequestId":"1"}`) }),
		simple("ImageId-and-error", func(x *exchange) *reply {
			id := importedID(x.execute())
			return raw(400, `{"RequestId":"1","Code":"InvalidParameter.ImageName","ImageId":"`+id+`"}`)
		}),
		simple("import-fails", func(x *exchange) *reply {
			x.w.cloud.PutObject(enssim.Object{Bucket: goldenOSS, Key: goldenKey, Corrupt: true})
			r := x.execute()
			x.w.cloud.PutObject(enssim.Object{Bucket: goldenOSS, Key: goldenKey})
			return r
		}).inPairs(),
		simple("refused-for-30m", func(x *exchange) *reply {
			return x.w.outage(x.site, 30*time.Minute, cloudRefusal(400, "InvalidParameter.OSSObject"))
		}),
	})
}

// deleteFaults are for C4.
func deleteFaults() []fault {
	return slices.Concat(cloudWriteFaults(), []fault{
		simple("in-use-for-1h", func(x *exchange) *reply {
			return x.w.outage(x.site, time.Hour, cloudRefusal(400, "Error.DeleteImage"))
		}),
		simple("already-gone", func(x *exchange) *reply { x.w.vanish(); return x.execute() }),
	})
}

// renameFaults are for C6.
func renameFaults() []fault {
	return slices.Concat(cloudWriteFaults(), []fault{
		simple("already-gone", func(x *exchange) *reply { x.w.vanish(); return x.execute() }),
	})
}

// shareFaults are for C7.
func shareFaults() []fault { return renameFaults() }

// shareLookFaults are for the reading of what is shared.
func shareLookFaults() []fault {
	return slices.Concat(processFaults(), networkFaults(), cloudRefusals(), keyFaults(), userFaults(), []fault{
		simple("shows-nothing", func(x *exchange) *reply {
			x.execute()
			return raw(200, `{"RequestId":"1","PageNumber":1,"PageSize":100,"TotalCount":0,"Accounts":{"Account":[]}}`)
		}),
		simple("shows-another", func(x *exchange) *reply {
			x.execute()
			return raw(200, `{"RequestId":"1","PageNumber":1,"PageSize":100,"TotalCount":1,"Accounts":{"Account":[{"AliyunUid":"99"}]}}`)
		}),
		simple("total-too-high", func(x *exchange) *reply {
			x.execute()
			return raw(200, `{"RequestId":"1","PageNumber":1,"PageSize":100,"TotalCount":2,"Accounts":{"Account":[{"AliyunUid":"11"}]}}`)
		}),
		simple("deleted-outside", func(x *exchange) *reply { x.w.vanish(); return x.execute() }),
	})
}

// vanish lets the images of the object disappear, as if somebody had deleted them in the console.
func (w *world) vanish() {
	for id := range w.imported() {
		w.removed[id] = true
		w.cloud.RemoveImage(id)
	}
}
