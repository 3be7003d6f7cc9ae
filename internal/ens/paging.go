// SPDX-License-Identifier: Apache-2.0

package ens

// listTries is how often a listing that changed under our hands is started again.
const listTries = 3

// readPages reads a paged listing until it has seen every row. The order of rows is not documented, so a total that
// moved or a row seen twice means that rows may have been missed: then it starts again, and in the end it returns an
// error rather than an incomplete list. read returns a page and the total that came with it, negative for none; key
// tells rows apart.
func readPages[T any](action string, key func(T) string, read func(page int) (rows []T, total int, err error)) ([]T, error) {
	for range listTries {
		rows, complete, err := readPagesOnce(key, read)
		if err != nil {
			return nil, err
		}
		if complete {
			return rows, nil
		}
	}
	return nil, listingChanged(action)
}

func readPagesOnce[T any](key func(T) string, read func(int) ([]T, int, error)) (all []T, complete bool, err error) {
	seen, first := map[string]bool{}, 0
	for page := 1; ; page++ {
		rows, total, err := read(page)
		if err != nil {
			return nil, false, err
		}
		if page == 1 {
			first = total
		}
		if total < 0 || total != first {
			return nil, false, nil
		}
		for _, row := range rows {
			id := key(row)
			if id == "" || seen[id] {
				return nil, false, nil
			}
			seen[id] = true
		}
		all = append(all, rows...)
		switch {
		case len(all) >= total:
			return all, len(all) == total, nil
		case len(rows) == 0:
			return nil, false, nil
		}
		// A short page is none of our business: the cloud may allow less rows than we ask for.
	}
}

func listingChanged(action string) *Error {
	known := ownMeanings[CodeListingChanged]
	return &Error{
		Action: action, Class: known.class, Code: CodeListingChanged,
		Message: "the list changed while it was being read", Hint: known.hint,
	}
}
