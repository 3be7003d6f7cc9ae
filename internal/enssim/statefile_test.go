// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestStateSurvivesARestart(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	path := filepath.Join(t.TempDir(), "state.json")
	first := newCloud(t)
	g.Expect(first.UseStateFile(path)).To(Succeed())
	id := first.imported(t, "golden")
	values := first.signed(keyA, "ImportImage", importParams("replayed"))
	_, err := first.post(t, values)
	g.Expect(err).NotTo(HaveOccurred())
	first.SetBehaviour(func(b *Behaviour) { b.Order = OrderCreation })

	info, err := os.Stat(path)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)), "it holds secrets")
	g.Expect(os.ReadDir(filepath.Dir(path))).To(HaveLen(1), "no temporary file is left")

	second := newCloud(t)
	g.Expect(second.UseStateFile(path)).To(Succeed())
	g.Expect(second.Images()).To(Equal(first.Images()))
	g.Expect(second.behaviour).To(Equal(first.behaviour))
	g.Expect(second.keys).To(Equal(first.keys))
	g.Expect(second.objects).To(Equal(first.objects))
	answer, err := second.post(t, values)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer.code()).To(Equal("SignatureNonceUsed"), "a replay after the restart is still one")

	g.Expect(second.call(t, keyA, "DeleteImage", map[string]string{"ImageId": id}).code()).To(Equal("IncorrectStatus.Image"))
	second.clock.advance(3 * time.Second)
	g.Expect(second.Images()[0].Status).To(Equal(StatusAvailable), "the import goes on")
	g.Expect(second.call(t, keyA, "DeleteImage", map[string]string{"ImageId": id}).code()).To(BeEmpty())
	third := newCloud(t)
	g.Expect(third.UseStateFile(path)).To(Succeed())
	g.Expect(third.Images()).To(HaveLen(1))
	third.Reset()
	fourth := newCloud(t)
	g.Expect(fourth.UseStateFile(path)).To(Succeed())
	g.Expect(fourth.Images()).To(BeEmpty())
}

func TestBadStateFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, message string }{
		"no JSON":       {"hello", "state.json"},
		"unknown field": {`{"imgaes":[]}`, `"imgaes"`},
		"behaviour":     {`{"behaviour":{}}`, "failureStatus"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			path := filepath.Join(t.TempDir(), "state.json")
			g.Expect(os.WriteFile(path, []byte(test.text), 0o600)).To(Succeed())
			g.Expect(New(Options{}).UseStateFile(path)).To(MatchError(ContainSubstring(test.message)))
			g.Expect(os.ReadFile(path)).To(BeEquivalentTo(test.text), "it must not be overwritten")
		})
	}
}

func TestAFailedSaveShowsInTheHealth(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	directory := filepath.Join(t.TempDir(), "gone")
	g.Expect(c.UseStateFile(filepath.Join(directory, "state.json"))).To(MatchError(ContainSubstring("saving state")))
	g.Expect(c.admin(t, "GET", "/-/healthz", "").status).To(Equal(503))
	g.Expect(os.Mkdir(directory, 0o700)).To(Succeed())
	c.imported(t, "golden")
	g.Expect(c.admin(t, "GET", "/-/healthz", "").status).To(Equal(200))
}
