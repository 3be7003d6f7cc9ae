// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// fill puts images with names on -token into the cloud and returns their IDs, oldest first.
func (c *cloud) fill(count int) []string {
	ids := make([]string, count)
	start := time.Now().Add(-time.Hour).Truncate(time.Second)
	for i := range ids {
		ids[i] = fmt.Sprintf("m-%04d", i)
		c.PutImage(enssim.Image{
			ImageID: ids[i], ImageName: fmt.Sprintf("image-%d-token", i), AccountID: account, CreationTime: start.Add(time.Duration(i) * time.Second),
		})
	}
	return ids
}

func idsOf(images []Image) []string {
	ids := []string{}
	for _, image := range images {
		ids = append(ids, image.ID)
	}
	return ids
}

// TestListingsAreComplete lists through the pages of the simulator.
func TestListingsAreComplete(t *testing.T) {
	t.Parallel()
	for _, count := range []int{0, 1, 49, 50, 51, 100, 120} {
		for _, order := range []string{enssim.OrderCreation, enssim.OrderReverse} {
			for _, largest := range []int{7, 50} {
				t.Run(fmt.Sprint(count, " images, ", order, ", at most ", largest), func(t *testing.T) {
					t.Parallel()
					g := NewWithT(t)
					cloud := newCloud(t, func(b *enssim.Behaviour) {
						b.Order, b.MaxPageSize, b.ClampPageSize = order, largest, true
					})
					ids := cloud.fill(count)
					images, err := cloud.plainClient(t).ImagesByName(t.Context(), "-token")
					g.Expect(err).NotTo(HaveOccurred())
					g.Expect(idsOf(images)).To(Equal(ids), "oldest first")
					g.Expect(cloud.History()).To(HaveLen(max(1, (count+largest-1)/largest)), "no page is read in vain")
				})
			}
		}
	}
}

// TestShuffledListings : what fits on one page is complete in any order; more can only be a complete list by chance.
func TestShuffledListings(t *testing.T) {
	t.Parallel()
	for _, count := range []int{50, 51, 120} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			cloud := newCloud(t, func(b *enssim.Behaviour) { b.Order = enssim.OrderShuffled })
			ids := cloud.fill(count)
			client := cloud.client(t)
			for range 5 {
				images, err := client.ImagesByName(t.Context(), "-token")
				if err == nil {
					g.Expect(idsOf(images)).To(Equal(ids))
					continue
				}
				g.Expect(count).To(BeNumerically(">", 50))
				e := failed(t, err)
				g.Expect(e.Code).To(Equal(CodeListingChanged))
				g.Expect(e.Class).To(Equal(ClassUnavailable))
				g.Expect(e.NotExecuted).To(BeFalse())
			}
		})
	}
}

func TestAPageSizeThatTheCloudRefusesIsAnError(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t, func(b *enssim.Behaviour) { b.MaxPageSize = 20 })
	cloud.fill(30)
	_, err := cloud.plainClient(t).ImagesByName(t.Context(), "-token")
	g.Expect(failed(t, err).Code).To(Equal("InvalidParameter.PageSize"))
}

// TestSearchesAreExact : the cloud's search is fuzzy, and it also shows what others share with us.
func TestSearchesAreExact(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t)
	const other = "1000000000000002"
	put := func(id, name, owner string, shared ...string) {
		cloud.PutImage(enssim.Image{ImageID: id, ImageName: name, AccountID: owner, SharedWith: shared})
	}
	put("m-1", "golden-token", account)
	put("m-12", "token-golden", account)
	put("m-123", "golden-TOKEN", account)
	put("xm-1", "golden-tokens", account)
	put("M-1", "golden-token-token", account)
	put("m-other", "shared-golden-token", other, account)
	put("m-hidden", "hidden-golden-token", other)
	client := cloud.client(t)

	images, err := client.ImagesByName(t.Context(), "-token")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(idsOf(images)).To(ConsistOf("m-1", "xm-1", "M-1"))

	for id, name := range map[string]string{"m-1": "golden-token", "m-12": "token-golden", "M-1": "golden-token-token", "m-123": "golden-TOKEN"} {
		image, err := client.ImageByID(t.Context(), id)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(image).To(HaveField("Name", name))
		g.Expect(image.ID).To(Equal(id))
	}
	for _, id := range []string{"m-", "m-1234", "m-other", "m-hidden", "golden-token", "m"} {
		g.Expect(client.ImageByID(t.Context(), id)).To(BeNil(), id)
	}
}

func TestAllImagesOfTheAccount(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t)
	client := cloud.client(t)
	g.Expect(client.Images(t.Context())).To(BeEmpty())
	ids := cloud.fill(51)
	cloud.PutImage(enssim.Image{ImageID: "m-other", ImageName: "shared", AccountID: "1000000000000002", SharedWith: []string{account}})
	images, err := client.Images(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(idsOf(images)).To(ConsistOf(ids))
	for _, call := range cloud.History() {
		g.Expect(call.Params).To(HaveLen(2), "a page and its size, and no search")
	}
}

// TestOwnerAlias : only a word that is known to mean others may hide an image.
func TestOwnerAlias(t *testing.T) {
	t.Parallel()
	for alias, ours := range map[string]bool{"self": true, "others": false, "": true, "Self": true, "owner": true} {
		g := NewWithT(t)
		body := strings.ReplaceAll(rows("1", "m-1"), `"self"`, quote(alias))
		image, err := answering(t, http.StatusOK, body).client(t).ImageByID(t.Context(), "m-1")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(image != nil).To(Equal(ours), alias)
	}
}

func TestImageFields(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	cloud := newCloud(t)
	cloud.PutImage(enssim.Image{ImageID: "m-1", ImageName: "golden", AccountID: account, Status: StatusPackFailed, SizeGiB: 40, CreationTime: created})
	image, err := cloud.client(t).ImageByID(t.Context(), "m-1")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(*image).To(Equal(Image{ID: "m-1", Name: "golden", Status: "Pack_failed", SizeGiB: 40, CreationTime: created}))

	// Informative fields do not make a listing fail, and numbers are as good as strings.
	odd := answering(t, http.StatusOK, `{"RequestId":"R","TotalCount":1,"Images":{"Image":[
		{"ImageId":"m-1","ImageName":"n","ImageOwnerAlias":"self","Status":"Thawing","ImageSize":"-3","CreationTime":"yesterday","New":{"a":1}}]}}`)
	image, err = odd.client(t).ImageByID(t.Context(), "m-1")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(*image).To(Equal(Image{ID: "m-1", Name: "n", Status: "Thawing"}))
}

func TestANewImageAppearsAfterTheLag(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	now := time.Now()
	cloud := newCloudAt(t, func() time.Time { return now }, func(b *enssim.Behaviour) { b.ListLag = metav1.Duration{Duration: time.Minute} })
	client := cloud.client(t)
	imported, err := client.ImportImage(t.Context(), goodImport("golden-token"), Pin{Nonce: "n", SignedAt: now})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(client.ImageByID(t.Context(), imported.ImageID)).To(BeNil())
	now = now.Add(time.Minute)
	image, err := client.ImageByID(t.Context(), imported.ImageID)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(*image).To(Equal(Image{
		ID: imported.ImageID, Name: "golden-token", Status: StatusAvailable, SizeGiB: 20,
		CreationTime: now.Add(-time.Minute).UTC().Truncate(time.Second),
	}))
}

// TestReadPages feeds answers that no consistent cloud would give.
func TestReadPages(t *testing.T) {
	t.Parallel()
	type page struct {
		total int
		rows  string // one row for each letter
	}
	lost := errors.New("lost")
	cases := map[string]struct {
		pages []page // of all tries, one after the other
		rows  string
		reads int
		// seen is what comes with the error that the listing has changed.
		seen string
	}{
		"nothing":                            {pages: []page{{0, ""}}, reads: 1},
		"one page":                           {pages: []page{{3, "abc"}}, rows: "abc", reads: 1},
		"short pages":                        {pages: []page{{4, "a"}, {4, "bc"}, {4, "d"}}, rows: "abcd", reads: 3},
		"the total moves, then stays":        {pages: []page{{3, "ab"}, {4, "cd"}, {4, "ab"}, {4, "cd"}}, rows: "abcd", reads: 4},
		"the total falls to what was seen":   {pages: []page{{4, "ab"}, {2, ""}, {2, "ab"}}, rows: "ab", reads: 3},
		"the total always moves":             {pages: []page{{3, "ab"}, {4, "c"}, {3, "ab"}, {4, "c"}, {3, "ab"}, {4, "c"}, {4, ""}}, reads: 7, seen: "abc"},
		"a row twice, then not":              {pages: []page{{4, "ab"}, {4, "bc"}, {4, "ab"}, {4, "cd"}}, rows: "abcd", reads: 4},
		"a row always twice":                 {pages: []page{{2, "aa"}, {2, "aa"}, {2, "aa"}, {2, ""}}, reads: 4, seen: "a"},
		"more rows than the total":           {pages: []page{{1, "ab"}, {1, "ab"}, {2, "ab"}}, rows: "ab", reads: 3},
		"rows, but a total of 0":             {pages: []page{{0, "ab"}, {0, "ab"}, {0, "ab"}}, reads: 3, seen: "ab"},
		"an empty page before the total":     {pages: []page{{3, "ab"}, {3, ""}, {3, "ab"}, {3, "c"}}, rows: "abc", reads: 4},
		"always an empty page":               {pages: []page{{3, ""}, {3, ""}, {3, ""}}, reads: 3},
		"no total":                           {pages: []page{{-1, "ab"}, {-1, ""}, {2, "ab"}}, rows: "ab", reads: 3},
		"a row without an ID":                {pages: []page{{2, "a "}, {2, "a "}, {2, "ab"}}, rows: "ab", reads: 3},
		"an error on the first page":         {pages: []page{}, reads: 1},
		"an error on the second page":        {pages: []page{{3, "ab"}}, reads: 2},
		"an error after the total has moved": {pages: []page{{3, "ab"}, {4, "c"}}, reads: 3},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			reads, expectedPage := 0, 0
			all, err := readPages("ListThings", listTries, func(row rune) string {
				if row == ' ' {
					return ""
				}
				return string(row)
			}, func(number int) ([]rune, int, error) {
				if number == 1 {
					expectedPage = 1
				}
				g.Expect(number).To(Equal(expectedPage), "pages come one after the other, from 1 on")
				expectedPage++
				reads++
				if reads > len(test.pages) {
					return nil, 0, lost
				}
				return []rune(test.pages[reads-1].rows), test.pages[reads-1].total, nil
			})
			g.Expect(reads).To(Equal(test.reads))
			switch {
			case reads > len(test.pages):
				g.Expect(err).To(MatchError(lost))
			case test.rows == "" && reads > 1:
				e := failed(t, err)
				g.Expect(e.Code).To(Equal(CodeListingChanged))
				g.Expect(e.Action).To(Equal("ListThings"))
				g.Expect(string(all)).To(Equal(test.seen))
			default:
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(string(all)).To(Equal(test.rows))
			}
		})
	}
}

// TestAListingIsNeverHalf fails each page of a long listing in turn.
func TestAListingIsNeverHalf(t *testing.T) {
	t.Parallel()
	for page := range 3 {
		for _, fault := range []enssim.Fault{
			{Kind: enssim.DropBefore},
			{Kind: enssim.ErrorBefore},
			{Kind: enssim.RawBody, Body: `{"RequestId":"R"}`},
			{Kind: enssim.RawBody, Body: rows("120")},
			{Kind: enssim.RawBody, Body: rows("120", "m-0001")},
		} {
			g := NewWithT(t)
			cloud := newCloud(t)
			ids := cloud.fill(120)
			fault.Skip, fault.Times = page, 1
			cloud.AddFault(fault)
			images, err := cloud.plainClient(t).ImagesByName(t.Context(), "-token")
			if err == nil {
				g.Expect(slices.Equal(idsOf(images), ids)).To(BeTrue())
			} else if failed(t, err).Code != CodeListingChanged {
				g.Expect(images).To(BeNil())
			}
			images, err = cloud.plainClient(t).Images(t.Context())
			g.Expect(err).NotTo(HaveOccurred(), "the next try succeeds")
			g.Expect(images).To(HaveLen(len(ids)))
		}
	}
}
