// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// The reasons are a closed list: what the API declares, the controller uses, and the README explains.
func TestReasons(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	declared := declaredReasons(t)
	g.Expect(len(declared)).To(BeNumerically(">", 10))

	used := map[string]bool{}
	sources, err := filepath.Glob("*.go")
	g.Expect(err).NotTo(HaveOccurred())
	for _, source := range sources {
		if !strings.HasSuffix(source, "_test.go") {
			collectReasons(t, source, used)
		}
	}
	readme, err := os.ReadFile("../README.md")
	g.Expect(err).NotTo(HaveOccurred())
	rows := regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\|").FindAllStringSubmatch(string(readme), -1)
	documented := map[string]bool{}
	for _, row := range rows {
		documented[row[1]] = true
	}
	for name, reason := range declared {
		g.Expect(used).To(HaveKey(name), "no code tells it")
		g.Expect(documented).To(HaveKey(reason), "the README's table of reasons lacks it")
		g.Expect(reason).To(Equal(strings.TrimPrefix(name, "Reason")))
	}
}

// declaredReasons are the constants of the API by their names.
func declaredReasons(t *testing.T) map[string]string {
	t.Helper()
	g := NewWithT(t)
	file, err := parser.ParseFile(gotoken.NewFileSet(), "../api/v1alpha1/conditions.go", nil, 0)
	g.Expect(err).NotTo(HaveOccurred())
	reasons := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Reason") {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			g.Expect(err).NotTo(HaveOccurred())
			reasons[spec.Names[0].Name] = value
		}
		return true
	})
	return reasons
}

func collectReasons(t *testing.T, source string, used map[string]bool) {
	t.Helper()
	file, err := parser.ParseFile(gotoken.NewFileSet(), source, nil, 0)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	ast.Inspect(file, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok && strings.HasPrefix(selector.Sel.Name, "Reason") {
			used[selector.Sel.Name] = true
		}
		return true
	})
}
