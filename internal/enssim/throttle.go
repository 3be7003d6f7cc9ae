// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"fmt"
	"math"
	"net/http"
	"strconv"

	"golang.org/x/time/rate"
)

type limiterID struct{ account, action string }

// throttle enforces the configured calls per second of an account and action.
// A refused call was not executed.
func (s *Simulator) throttle(action string, c *call) *apiError {
	qps, limited := s.behaviour.QPS[action]
	if !limited {
		qps, limited = s.behaviour.QPS["*"]
	}
	if !limited {
		return nil
	}
	id := limiterID{c.account(), action}
	limiter := s.limiters[id]
	if limiter == nil || limiter.Limit() != rate.Limit(qps) {
		limiter = rate.NewLimiter(rate.Limit(qps), max(1, int(math.Ceil(qps))))
		s.limiters[id] = limiter
	}
	if limiter.AllowN(c.now, 1) {
		return nil
	}
	refusal := refuse(s.behaviour.ThrottleHTTPStatus, "Throttling.User", "Request was denied due to user flow control.")
	if s.behaviour.ThrottleHeader {
		refusal.header = http.Header{}
		refusal.header.Set("X-Ratelimit-User-Api", fmt.Sprintf("Limit:%g,Remain:0,TimeLeft:1000", qps))
		refusal.header.Set("X-Acs-Retry-After", strconv.Itoa(1000))
	}
	return refusal
}
