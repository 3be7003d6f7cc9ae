// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestSeed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	seed, err := ParseSeed([]byte(`
accessKeys:
- {id: LTAIa, secret: s, accountID: "1"}
objects:
- {bucket: images, key: good.qcow2}
- {bucket: images, key: broken.qcow2, corrupt: true}
images:
- {imageID: m-1, imageName: existing}
behaviour:
  listLag: 3s
  steps:
  - {status: Creating, duration: 10s}
`))
	g.Expect(err).NotTo(HaveOccurred())
	s := New(Options{})
	g.Expect(s.Apply(seed)).To(Succeed())
	want := DefaultBehaviour()
	want.ListLag.Duration = 3e9
	want.Steps = []Step{{Status: StatusCreating}}
	want.Steps[0].Duration.Duration = 10e9
	g.Expect(s.behaviour).To(Equal(want))
	g.Expect(s.Images()).To(HaveExactElements(And(HaveField("ImageID", "m-1"), HaveField("AccountID", "1"))))
	g.Expect(s.sortedObjects()).To(HaveLen(2))

	s.RemoveImage("m-1")
	s.PutImage(Image{ImageID: "m-2"})
	s.DeleteObject("", "images", "good.qcow2")
	s.DeleteAccessKey("LTAIa")
	s.SetBehaviour(func(b *Behaviour) { b.Steps[0].Status = "Baking" })
	s.Reset()
	g.Expect(s.Images()).To(HaveExactElements(HaveField("ImageID", "m-1")))
	g.Expect(s.sortedObjects()).To(HaveLen(2))
	g.Expect(s.publicAccessKeys()).To(Equal([]AccessKey{{ID: "LTAIa", AccountID: "1"}}))
	g.Expect(s.behaviour).To(Equal(want))
}

func TestBadSeeds(t *testing.T) {
	t.Parallel()
	for text, message := range map[string]string{
		"accesKeys: []":                               `"accesKeys"`,
		"objects: [{bucket: b, object: k}]":           `"objects[0].object"`,
		"objects: [{bucket: b}]":                      "objects[0]",
		"accessKeys: [{id: a, accountID: '1'}]":       "accessKeys[0]",
		"images: [{imageName: a}]":                    "images[0]",
		"behaviour: {order: Random}":                  "order",
		"behaviour: {listLag: soon}":                  "soon",
		"behaviour: {listLag: 1s, listLag: 2s}":       "listLag",
		"accessKeys: {}":                              "accessKeys",
		"\t":                                          "parsing seed",
		"behaviour: {steps: [{duration: 1s}]}":        "steps",
		"accessKeys: [{id: a, secret: b, accunt: 1}]": "accunt",
	} {
		_, err := ParseSeed([]byte(text))
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring(message)), text)
	}
	for _, text := range []string{"", "{}", "behaviour: null"} {
		seed, err := ParseSeed([]byte(text))
		NewWithT(t).Expect(err).NotTo(HaveOccurred(), text)
		NewWithT(t).Expect(*seed.Behaviour).To(Equal(DefaultBehaviour()), text)
	}
}
