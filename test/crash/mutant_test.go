// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mutant is an operator that breaks the protocol at one place. A suite that passes it would prove nothing.
type mutant struct {
	name string
	// why says what goes wrong, and in which test it has to show.
	why     string
	changes []change
	run     string
}

// change replaces a piece of the source that is there exactly once.
type change struct{ file, old, new string }

var mutants = []mutant{
	{
		name: "random-token",
		why:  "an image is not found again by its name: the answer that was lost stays lost, and a second image is made",
		changes: []change{{
			"controllers/intent.go", `fmt.Appendf(nil, "ensimport/v1|%s|%s|%d", cluster, uid, epoch)`,
			`fmt.Appendf(nil, "ensimport/v1|%s|%s|%d|%d", cluster, uid, epoch, metav1.Now().UnixNano())`,
		}},
		run: "TestCrash/^lost-answer$/^none$",
	},
	{
		name: "no-compare-and-swap",
		why:  "two managers that have read the same object both record an attempt, and both send it",
		changes: []change{{
			"controllers/perform.go", `return r.Client.Patch(ctx, obj, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))`,
			`return r.Client.Patch(ctx, obj, client.MergeFrom(base))`,
		}},
		run: "TestTwoManagers/^import$/^1$",
	},
	{
		name:    "no-settle-wait",
		why:     "a request that is still under way is given up, so that it and the next attempt both make an image",
		changes: []change{{"controllers/decide.go", `case s.seen.begun.Sub(s.intent.SignedAt.Time) < s.timing.Settle:`, `case false:`}},
		run:     "TestCrash/^import$/^late-cloud-ImportImage-1$",
	},
	{
		name: "first-row-look-up",
		why:  "what a fuzzy search shows first is taken for the image: it is the neighbour's",
		changes: []change{
			{
				"internal/imagewatch/listing.go", `			found = l.pick(found, l.ends[suffix]...)
			continue`,
				`			for end, ids := range l.ends {
				if strings.HasPrefix(end, suffix) && (len(found) == 0 || end > suffix) {
					found = l.pick(nil, ids...)
				}
			}
			continue`,
			},
			{"internal/ens/images.go", `func(image Image) bool { return image.ID == id }`, `func(Image) bool { return true }`},
		},
		run: "TestCrash/^import$/^none$",
	},
}

// TestMutants runs a part of this suite against each mutant and expects red: an invariant that is violated, and not just
// a suite that does not build or does not end.
func TestMutants(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			if !*all {
				results.note("left out (make crash runs it): mutant %s", m.name)
				return
			}
			output, err := m.test(t)
			red := strings.Count(output, "invariant violated: ")
			if _, exited := errors.AsType[*exec.ExitError](err); !exited || red == 0 {
				t.Fatalf("%s passes, although %s (%v):\n%s", m.name, m.why, err, output)
			}
			_, first, _ := strings.Cut(output, "invariant violated: ")
			first, _, _ = strings.Cut(first, "\n")
			results.note("mutant %s is red, violations: %d, first: %s", m.name, red, first)
		})
	}
}

// test builds the suite with the mutant in place of the operator and runs it on a control plane of its own.
func (m mutant) test(t *testing.T) (string, error) {
	t.Helper()
	defer occupy()()
	dir := t.TempDir()
	binary, overlay := filepath.Join(dir, "crash.test"), m.overlay(t, dir)
	arguments := []string{"test", "-c", "-overlay", overlay, "-o", binary}
	if raceDetector {
		// Not for the races: all other packages are built already, and with it.
		arguments = append(arguments, "-race")
	}
	build := exec.CommandContext(t.Context(), "go", append(arguments, ".")...)
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", m.name, err, output)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var output bytes.Buffer
	suite := exec.CommandContext(ctx, binary, "-test.run", m.run, "-test.v", "-crash.patience", "15s")
	suite.Stdout = &output
	err := suite.Run()
	if ctx.Err() != nil {
		t.Fatalf("%s does not end: %v\n%s", m.name, ctx.Err(), output.String())
	}
	return output.String(), err
}

// overlay writes the changed sources and says to the compiler what they stand for.
func (m mutant) overlay(t *testing.T, dir string) string {
	t.Helper()
	changed := map[string]string{}
	for number, c := range m.changes {
		original, err := filepath.Abs(filepath.Join("..", "..", c.file))
		if err != nil {
			t.Fatal(err)
		}
		from := original
		if earlier, found := changed[original]; found {
			from = earlier
		}
		source, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if count := strings.Count(string(source), c.old); count != 1 {
			t.Fatalf("%s holds %q %d times: the mutant %s has to follow the source", c.file, c.old, count, m.name)
		}
		changed[original] = filepath.Join(dir, fmt.Sprintf("%d.go", number))
		if err := os.WriteFile(changed[original], []byte(strings.Replace(string(source), c.old, c.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	encoded, err := json.Marshal(map[string]any{"Replace": changed})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}
