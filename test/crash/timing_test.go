// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/controllers"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// The cloud refuses a request timestampWindow after the second in which it was signed, and lists an image listLag after it
// took the request. So whatever a request has made is listed settle after its signature, on the clock that operator and
// cloud share here. The window is far longer than a request takes, even on a busy machine: up to a second that the
// timestamp was cut by, and the time from the signature to the cloud.
const (
	timestampWindow = 3 * time.Second
	listLag         = 50 * time.Millisecond
	settle          = timestampWindow + 2*listLag
)

func timing() controllers.Timing {
	return controllers.Timing{
		Poll: 50 * time.Millisecond, Settle: settle,
		// An accepted request ran within the window, too.
		ListingLag: settle,
		// A check of what is at rest would hide mistakes: an end state has to be right without it.
		Drift: time.Hour,
		// The retry of a failed import is the user's in these scenarios.
		Slow: time.Hour,
		// A busy machine may miss the window: that must not end a run.
		Denied: time.Second, SecretCheck: 100 * time.Millisecond,
		BackoffBase: 50 * time.Millisecond, BackoffMax: 500 * time.Millisecond,
	}
}

// quiet is how long nothing happens before the operator counts as at rest: several polls.
const quiet = 250 * time.Millisecond

func newCloud() *enssim.Simulator {
	cloud := enssim.New(enssim.Options{})
	cloud.SetBehaviour(func(b *enssim.Behaviour) {
		short := metav1.Duration{Duration: listLag}
		b.Steps = []enssim.Step{{Status: enssim.StatusCreating, Duration: metav1.Duration{Duration: 150 * time.Millisecond}}}
		b.ListLag, b.RenameLag, b.DeleteLag = short, short, short
		b.TimestampWindow = metav1.Duration{Duration: timestampWindow}
		// That the cloud remembers nonces is not documented for ENS. The protocol must do without.
		b.NonceWindow = metav1.Duration{}
	})
	cloud.PutAccessKey(enssim.AccessKey{ID: keyID, Secret: keySecret, AccountID: accountID})
	cloud.PutObject(enssim.Object{Bucket: bucket, Key: system})
	cloud.PutObject(enssim.Object{Bucket: bucket, Key: dataDisk})
	return cloud
}
