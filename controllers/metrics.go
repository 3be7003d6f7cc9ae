// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	doubles = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "ens_image_operator_doubles_removed_total",
		Help: "Images that the cloud made in excess for one import, and whose deletion the operator asked for.",
	})
	orphans = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "ens_image_operator_orphaned_images",
		Help: "Images that bear the mark of this cluster and belong to no ImageImport, as of the last complete sweep.",
	})
)

func init() { metrics.Registry.MustRegister(doubles, orphans) }
