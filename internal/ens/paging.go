// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"k8s.io/apimachinery/pkg/util/sets"
)

// listTries is how often a listing that changed under our hands is started again.
const listTries = 3

// maxPages bounds a listing that does not end.
const maxPages = 4096

// readPages reads a paged listing until it has seen every row. The order of rows is not documented, so a total that
// moved or a row seen twice means that rows may have been missed: then it starts again, and after so many tries it returns
// what it has seen with an error of the code CodeListingChanged. read returns a page and the total that came with it,
// negative for none; key tells rows apart.
func readPages[T any](action string, tries int, key func(T) string, read func(page int) (rows []T, total int, err error)) ([]T, error) {
	var rows []T
	for try := range tries {
		var complete bool
		var err error
		if rows, complete, err = readPagesOnce(key, read, try == tries-1); err != nil || complete {
			return rows, err
		}
	}
	return rows, listingChanged(action)
}

// readPagesOnce reads all pages, as long as nothing says that rows may be missing; with goOn in any case.
func readPagesOnce[T any](key func(T) string, read func(int) ([]T, int, error), goOn bool) (all []T, complete bool, err error) {
	seen, first, complete := sets.New[string](), 0, true
	for page := 1; page <= maxPages && (complete || goOn); page++ {
		rows, total, err := read(page)
		if err != nil {
			return nil, false, err
		}
		if page == 1 {
			first = max(total, 0)
		}
		news := unseen(seen, key, rows)
		all = append(all, news...)
		complete = complete && total == first && len(news) == len(rows)
		// A short page is none of our business: the cloud may allow less rows than we ask for.
		if full := total >= 0 && len(all) >= total; full || len(rows) == 0 {
			return all, complete && len(all) == total, nil
		}
	}
	return all, false, nil
}

// unseen are the rows with an ID that was not seen before.
func unseen[T any](seen sets.Set[string], key func(T) string, rows []T) (news []T) {
	for _, row := range rows {
		if id := key(row); id != "" && !seen.Has(id) {
			seen.Insert(id)
			news = append(news, row)
		}
	}
	return news
}

func listingChanged(action string) *Error {
	known := ownMeanings[CodeListingChanged]
	return &Error{
		Action: action, Class: known.class, Code: CodeListingChanged,
		Message: "the list changed while it was being read", Hint: known.hint,
	}
}
