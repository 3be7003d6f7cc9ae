// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"strings"
)

const (
	// ImportAnnotation holds the operator's record of the import: which attempt was started, when, and which image
	// came of it. It is the authority for every write to the cloud; only the operator may change it.
	ImportAnnotation = "ens.alibabacloud.com/import"

	// ReconcileRequestAnnotation asks for a reconcile now, also of an object that is Stalled. Any new value counts;
	// the value handled last is answered in status.lastHandledReconcileAt.
	ReconcileRequestAnnotation = "ens.alibabacloud.com/reconcile-requested-at"

	// FluxReconcileRequestAnnotation is what "flux reconcile" sets. It means the same.
	FluxReconcileRequestAnnotation = "reconcile.fluxcd.io/requestedAt"

	// AdoptAnnotation names an image, by its ID, that the object is to take over as its own although it was imported by
	// another object: after a restore from a backup, a move to another cluster, or the loss of the record. Only who holds
	// the verb adopt on imageimports may set it.
	AdoptAnnotation = "ens.alibabacloud.com/adopt"

	// ImageFinalizer keeps an ImageImport until its image is deleted or let go.
	ImageFinalizer = "ens.alibabacloud.com/image"
)

// maxReconcileRequest is the longest request that is told apart, in bytes: the bound of status.lastHandledReconcileAt.
const maxReconcileRequest = 1024

// ReconcileRequest returns the value of the reconcile request annotations, empty when there is none.
func (in *ImageImport) ReconcileRequest() string {
	request, flux := in.Annotations[ReconcileRequestAnnotation], in.Annotations[FluxReconcileRequestAnnotation]
	if request != "" && flux != "" {
		request += ","
	}
	request += flux
	if len(request) > maxReconcileRequest {
		request = strings.ToValidUTF8(request[:maxReconcileRequest], "")
	}
	return request
}
