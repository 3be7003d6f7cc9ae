// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"net/http"
	"time"
)

// site is a place where the operator depends on somebody else.
type site string

// The sites. A look-up in the cloud is C2 until the operator has heard that its import was accepted, C3 from then on,
// and C5 once it has asked for a deletion. Lease (K7) and watch (K8) belong to the manager, which does not run here.
const (
	cacheRead    site = "K1"
	intentPatch  site = "K2"
	acceptPatch  site = "K3"
	statusPatch  site = "K4"
	releasePatch site = "K5"
	secretGet    site = "K6"
	liveGet      site = "KR" // the live read of the object after a conflict
	importCall   site = "C1"
	lookUp       site = "C2"
	follow       site = "C3"
	deleteCall   site = "C4"
	goneLook     site = "C5"
	renameCall   site = "C6"
	shareCall    site = "C7"
	shareLook    site = "C7r" // what the sharing is
	nowhere      site = ""
)

func (s site) inCloud() bool { return s != nowhere && s[0] == 'C' }

// reply is an answer on the wire. A nil reply is a connection that broke.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// exchange is one request of one process. A fault decides when it is executed, how often, and what the process hears.
type exchange struct {
	w    *world
	p    *process
	site site
	// execute delivers the request as it was sent, each time it is called.
	execute func() *reply
}

// planned is a fault at the nth exchange of a site.
type planned struct {
	site  site
	nth   int
	fault fault
	hit   bool
}

// outage answers every exchange of a site until a moment of virtual time.
type outage struct {
	site  site
	until time.Time
	reply *reply
}

// pass lets an exchange happen, with whatever is planned for it.
func (w *world) pass(x *exchange) *reply {
	if x.p.dead {
		return nil
	}
	w.reached[x.site]++
	w.account(x)
	answer := w.disturbed(x, w.reached[x.site])
	if x.p.dead {
		return nil
	}
	return answer
}

func (w *world) disturbed(x *exchange, nth int) *reply {
	for _, o := range w.outages {
		if o.site == x.site && w.clock.Now().Before(o.until) {
			return o.reply
		}
	}
	for _, p := range w.plan {
		if p.site == x.site && p.nth == nth && p.fault.act != nil {
			p.hit = true
			return p.fault.act(x)
		}
	}
	return x.execute()
}
