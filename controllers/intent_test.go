// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

func TestToken(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(token(testCluster, testUID, 1)).To(Equal(testToken))
	g.Expect(token(testCluster, testUID, 2)).To(Equal("tzv45sdnwkxeahjoy7lzn67eyb"))
	seen := map[string]bool{}
	for _, cluster := range []types.UID{testCluster, "c", ""} {
		for _, uid := range []types.UID{testUID, "u", ""} {
			for epoch := range int64(20) {
				token := token(cluster, uid, epoch)
				g.Expect(token).To(MatchRegexp(`^[a-z2-7]{26}$`), "legal in an image name")
				seen[token] = true
			}
		}
	}
	g.Expect(seen).To(HaveLen(3*3*20), "every input counts")
}

func TestNonce(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	in := newIntent(0)
	g.Expect(in.token()).To(Equal(testToken))
	g.Expect(in.nonce()).To(Equal(testNonce))
	seen := map[string]bool{}
	for epoch := range int64(5) {
		for attempt := range int32(5) {
			in.Epoch, in.Attempt = epoch+1, attempt+1
			g.Expect(in.nonce()).To(MatchRegexp(`^[0-9a-f]{32}$`))
			seen[in.nonce()] = true
		}
	}
	g.Expect(seen).To(HaveLen(25), "no nonce is used twice")
	again := *in
	again.SignedAt, again.Hash, again.ImageID = seconds(testNow.Add(time.Hour)), "other", "m-1"
	g.Expect(again.nonce()).To(Equal(in.nonce()), "a delivery of the same attempt bears the same nonce")
}

func TestIntentRoundTrip(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]*intent{
		"open":    newIntent(time.Minute),
		"owned":   newIntent(time.Hour).withImage("m-1").withKey("k").sharing(),
		"adopted": newIntent(time.Hour).adopting("m-1", testNow, "hash"),
		"refused": newIntent(time.Hour).closed(closedRefused, testNow),
		"failed":  newIntent(time.Hour).failed("Pack_failed", testNow),
		"later":   newIntent(time.Hour).failed("Pack_failed", testNow).anew(testNow, "hash"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			got, _, err := readIntent(annotated(in.encode()), testCluster)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got.SignedAt.Time).To(BeTemporally("==", in.SignedAt.Time))
			g.Expect(got.encode()).To(Equal(in.encode()))
			g.Expect(got.token()).To(Equal(in.token()))
			g.Expect(in.encode()).NotTo(ContainSubstring("\n"))
		})
	}
}

func TestIntentEncoding(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	// Recorded annotations outlive the version that wrote them, so the encoding must not change by accident.
	g.Expect(newIntent(0).encode()).To(Equal(`{"cluster":"` + string(testCluster) + `","uid":"` + string(testUID) +
		`","epoch":1,"attempt":1,"signedAt":"2026-03-01T12:00:00Z","hash":"` + importHash(&newObject().Spec) + `"}`))
	g.Expect(newIntent(0).failed("Pack_failed", testNow).encode()).To(HaveSuffix(
		`,"closed":"Failed","closedAt":"2026-03-01T12:00:00Z","cause":"Pack_failed"}`))
	g.Expect(newIntent(0).withImage("m-1").encode()).To(HaveSuffix(`,"imageID":"m-1"}`))
}

func TestReadIntentRefuses(t *testing.T) {
	t.Parallel()
	none, foreign, err := readIntent(newObject(), testCluster)
	NewWithT(t).Expect(none).To(BeNil())
	NewWithT(t).Expect(foreign).To(BeNil())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())

	valid, failed := newIntent(time.Minute).encode(), newIntent(time.Hour).failed("Pack_failed", testNow).encode()
	for name, recorded := range map[string]string{
		"empty":                  "",
		"null":                   "null",
		"not JSON":               "m-1",
		"cut off":                valid[:len(valid)-1],
		"of another shape":       `[` + valid + `]`,
		"followed by another":    valid + valid,
		"followed by a bracket":  valid + "}",
		"with an unknown field":  strings.Replace(valid, `"hash"`, `"later":1,"hash"`, 1),
		"of another type":        strings.Replace(valid, `"attempt":1`, `"attempt":"1"`, 1),
		"epoch 0":                strings.Replace(valid, `"epoch":1`, `"epoch":0`, 1),
		"attempt 0":              strings.Replace(valid, `"attempt":1`, `"attempt":0`, 1),
		"attempt too large":      strings.Replace(valid, `"attempt":1`, `"attempt":2147483648`, 1),
		"never signed":           strings.Replace(valid, `"2026-03-01T11:59:00Z"`, `null`, 1),
		"closed by a later word": strings.Replace(failed, `"Failed"`, `"Parked"`, 1),
		"closed at no time":      strings.Replace(valid, `"hash"`, `"closed":"Failed","hash"`, 1),
		"open with a closing":    strings.Replace(failed, `"closed":"Failed",`, ``, 1),
		"closed with an image":   strings.Replace(failed, `"closed":`, `"imageID":"m-1","closed":`, 1),
		"adopting no image":      strings.Replace(valid, `"hash"`, `"adopted":true,"hash"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			in, foreign, err := readIntent(annotated(recorded), testCluster)
			g.Expect(in).To(BeNil())
			g.Expect(foreign).To(BeNil())
			g.Expect(err).To(MatchError(And(ContainSubstring(v1alpha1.ImportAnnotation), ContainSubstring("cannot be read"))))
		})
	}
}

// A copied or restored record is read as what it is: another object's.
func TestReadForeignIntent(t *testing.T) {
	t.Parallel()
	valid := newIntent(time.Minute).encode()
	for name, recorded := range map[string]string{
		"of another object":  strings.Replace(valid, string(testUID), "another", 1),
		"of another cluster": strings.Replace(valid, string(testCluster), "another", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			in, foreign, err := readIntent(annotated(recorded), testCluster)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(in).To(BeNil())
			g.Expect(foreign.encode()).To(Equal(recorded))
		})
	}
}

// What (epoch, attempt) may never do is fall: it would use a nonce twice, or take an old image for the new one.
func TestIntentOnlyGrows(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		in, nonces := newIntent(0), map[string]bool{}
		for step := range 30 {
			now := testNow.Add(time.Duration(step) * time.Minute)
			before, snapshot := in, in.encode()
			starts := false
			switch random.IntN(5) {
			case 0:
				in = in.closed(closedRefused, now)
			case 1:
				in = in.failed("Pack_failed", now)
			case 2:
				in = in.withImage("m-1")
			case 3:
				in, starts = in.again(now, "hash"), true
			case 4:
				in, starts = in.anew(now, "hash"), true
				g.Expect(in.token()).NotTo(Equal(before.token()))
			}
			g.Expect(before.encode()).To(Equal(snapshot), "the recorded intent is not changed in place")
			g.Expect(in.Epoch).To(BeNumerically(">=", before.Epoch))
			g.Expect(in.Cluster).To(Equal(before.Cluster))
			g.Expect(in.UID).To(Equal(before.UID))
			if !starts {
				g.Expect(in.nonce()).To(Equal(before.nonce()))
				g.Expect(in.SignedAt).To(Equal(before.SignedAt))
				continue
			}
			g.Expect(in.Attempt).To(Equal(before.Attempt + 1))
			g.Expect(in.SignedAt.Time).To(Equal(now))
			g.Expect(in.Closed).To(BeEmpty())
			g.Expect(in.ClosedAt).To(BeNil())
			g.Expect(in.Cause).To(BeEmpty())
			g.Expect(in.ImageID).To(BeEmpty())
			g.Expect(nonces).NotTo(HaveKey(in.nonce()))
			nonces[in.nonce()] = true
		}
	}
}

func TestClosing(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	odd := testNow.Add(1500 * time.Millisecond).In(time.FixedZone("CST", 8*3600))
	over := newIntent(0).failed("Upload_failed", odd)
	g.Expect(over.Closed).To(Equal(closedFailed))
	g.Expect(over.Cause).To(Equal("Upload_failed"))
	g.Expect(*over.ClosedAt).To(Equal(metav1.NewTime(testNow.Add(time.Second))), "what is recorded are seconds in UTC")
	g.Expect(newIntent(0).closed(closedRefused, odd).Cause).To(BeEmpty())
	_, _, err := readIntent(annotated(newIntent(0).withImage("m-1").sharing().closed(closedRefused, odd).encode()), testCluster)
	g.Expect(err).NotTo(HaveOccurred(), "what is closed owns nothing")
}

func FuzzReadIntent(f *testing.F) {
	for _, in := range []*intent{
		newIntent(0), newIntent(0).withImage("m-1"), newIntent(0).failed("Pack_failed", testNow), newIntent(0).closed(closedRefused, testNow),
	} {
		f.Add(in.encode())
	}
	f.Add(`{"epoch":1,"attempt":1,"SIGNEDAT":"2026-03-01T12:00:00.5+08:00"}`)
	f.Fuzz(func(t *testing.T, recorded string) {
		g := NewWithT(t)
		in, foreign, err := readIntent(annotated(recorded), testCluster)
		if err != nil || foreign != nil {
			g.Expect(in).To(BeNil())
			return
		}
		g.Expect(in.Cluster).To(Equal(testCluster))
		g.Expect(in.UID).To(Equal(testUID))
		if !writable(&in.SignedAt) || !writable(in.ClosedAt) {
			return
		}
		again, _, err := readIntent(annotated(in.encode()), testCluster)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(again.encode()).To(Equal(in.encode()))
	})
}

// writable is false for times that RFC 3339 can express with an offset only.
func writable(t *metav1.Time) bool { return t == nil || t.UTC().Year() >= 0 && t.UTC().Year() <= 9999 }

func annotated(recorded string) *v1alpha1.ImageImport {
	obj := newObject()
	obj.Annotations[v1alpha1.ImportAnnotation] = recorded
	return obj
}
