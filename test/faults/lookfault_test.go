// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// listing is the answer of DescribeSelfImages, as loosely typed as a fault needs it.
type listing struct {
	answer map[string]any
	rows   []any
}

// mangled changes the cloud's answer on its way.
func mangled(change func(*listing)) func(*exchange) *reply {
	return func(x *exchange) *reply {
		r := x.execute()
		l := &listing{}
		if json.Unmarshal(r.body, &l.answer) != nil || l.answer["Images"] == nil {
			return r
		}
		images := l.answer["Images"].(map[string]any)
		l.rows, _ = images["Image"].([]any)
		change(l)
		images["Image"] = l.rows
		body, _ := json.Marshal(l.answer)
		return raw(r.status, string(body))
	}
}

func (l *listing) total(by int) {
	total, _ := strconv.Atoi(fmt.Sprint(l.answer["TotalCount"]))
	l.answer["TotalCount"] = strconv.Itoa(total + by)
}

func (l *listing) row(id, name string) map[string]any {
	return map[string]any{"ImageId": id, "ImageName": name, "Status": "Available", "ImageOwnerAlias": "self"}
}

// lookFaults are for C2, C3 and C5.
func lookFaults() []fault {
	return slices.Concat(processFaults(), networkFaults(), cloudRefusals(), keyFaults(), userFaults(), []fault{
		simple("partial-page", mangled(func(l *listing) { l.rows = l.rows[:max(0, len(l.rows)-1)] })).inPairs(),
		simple("empty-page", mangled(func(l *listing) { l.rows = nil })).inPairs(),
		simple("total-too-high", mangled(func(l *listing) { l.total(1) })).inPairs(),
		simple("total-too-low", mangled(func(l *listing) { l.total(-1) })),
		simple("no-total", mangled(func(l *listing) { delete(l.answer, "TotalCount") })),
		simple("row-twice", mangled(func(l *listing) { l.rows = append(l.rows, l.rows...); l.total(len(l.rows) / 2) })),
		simple("row-without-ID", mangled(func(l *listing) { l.rows = append(l.rows, l.row("", "")); l.total(1) })),
		simple("shows-nothing", mangled(func(l *listing) { l.rows = nil; l.answer["TotalCount"] = "0" })).inPairs(),
		simple("extra-rows", mangled(func(l *listing) { l.rows = append(l.rows, l.row("m-5", imageName), l.row("m-6", "x")); l.total(2) })),
		simple("unknown-alias", mangled(func(l *listing) {
			for _, row := range l.rows {
				row.(map[string]any)["ImageOwnerAlias"] = "surprise"
			}
		})),
		fault{name: "row-moves-between-pages", before: manyRows, act: func(x *exchange) *reply {
			r := x.execute()
			x.w.cloud.RemoveImage("m-many0")
			delete(x.w.foreign, "m-many0")
			return r
		}}.inPairs(),
		{name: "two-pages", before: manyRows, act: func(x *exchange) *reply { return x.execute() }},
		{name: "new-row-between-pages", before: manyRows, act: func(x *exchange) *reply {
			r := x.execute()
			x.w.plantForeign("m-later", "later")
			return r
		}},
		simple("unknown-status-20m", statusFor("Surprising", 20*time.Minute)).inPairs(),
		simple("status-goes-back-20m", statusFor(enssim.StatusCreating, 20*time.Minute)),
		simple("unavailable-20m", statusFor(enssim.StatusUnavailable, 20*time.Minute)),
		simple("unavailable-3h", statusFor(enssim.StatusUnavailable, 3*time.Hour)),
		simple("deleted-outside", func(x *exchange) *reply { x.w.vanish(); return x.execute() }).inPairs(),
		simple("renamed-outside", func(x *exchange) *reply {
			for id := range x.w.imported() {
				_ = x.w.cloud.UpdateImage(id, func(image *enssim.Image) {
					if image.Status == enssim.StatusAvailable && len(image.ImageName) < 30 {
						image.ImageName = "renamed-outside"
					}
				})
			}
			return x.execute()
		}),
	})
}

// manyRows makes a listing of the account two pages long, in an order that lasts.
func manyRows(w *world) {
	w.cloud.SetBehaviour(func(b *enssim.Behaviour) { b.Order = enssim.OrderCreation })
	for i := range 55 {
		w.plantForeign(fmt.Sprintf("m-many%d", i), fmt.Sprintf("many-%d", i))
	}
}

// statusFor pins the status of the object's images for some time.
func statusFor(status string, d time.Duration) func(*exchange) *reply {
	return func(x *exchange) *reply {
		for id := range x.w.imported() {
			_ = x.w.cloud.UpdateImage(id, func(image *enssim.Image) { image.Status = status })
			x.w.after(d, func() {
				_ = x.w.cloud.UpdateImage(id, func(image *enssim.Image) { image.Status = enssim.StatusAvailable })
			})
		}
		return x.execute()
	}
}
