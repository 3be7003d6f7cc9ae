// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// table is what was measured. It prints each row when it is known, for the whole takes its time.
type table struct {
	t    *testing.T
	rows [][]string
}

var columns = []string{"measured", "unit", "limit", "operator", "naive controller", "script"}

func (b *table) about(cpus int) {
	fmt.Printf("%d CPUs, shared by etcd, kube-apiserver, simulated cloud, bench and contestant\n", cpus)
	b.print(columns)
}

// none stands for what was not measured.
var none = math.NaN()

// row prints and keeps a row.
func (b *table) row(what, unit string, values ...float64) {
	row := []string{what, unit}
	for _, value := range values {
		shown := strconv.FormatFloat(value, 'f', 1, 64)
		if math.IsNaN(value) {
			shown = ""
		}
		row = append(row, shown)
	}
	b.rows = append(b.rows, row)
	b.print(row)
}

func (b *table) print(row []string) {
	fmt.Printf("%-52s %-10s %10s %10s %18s %10s\n", row[0], row[1], row[2], row[3], row[4], row[5])
}

func (b *table) write(path string) {
	b.t.Helper()
	file, err := os.Create(path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer file.Close()
	if err := csv.NewWriter(file).WriteAll(append([][]string{columns}, b.rows...)); err != nil {
		b.t.Fatal(err)
	}
}

func inNamespace(name string) client.ListOption { return client.InNamespace(name) }

func (w *world) config() *rest.Config {
	config := testenv.Config()
	config.QPS = -1
	return config
}
