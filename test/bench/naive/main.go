// SPDX-License-Identifier: Apache-2.0

// Command naive is the controller that a day with kubebuilder gives: one object at a time, a look at the cloud for each
// object every 10 seconds, and a status update in every reconcile. It is what "make bench" compares the operator with, so it
// is given what it can use: as many workers, no client-side rate limit, pooled connections, and the operator's own client of
// the cloud. It is not safe: an answer that is lost costs a second image.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

const (
	finalizer = "naive.example.com/image"
	poll      = 10 * time.Second
	drift     = 10 * time.Minute
)

type reconciler struct {
	client.Client
	endpoint *ens.Endpoint
}

// Reconcile imports the image of one object, or looks at it.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	obj := &v1alpha1.ImageImport{}
	if err := r.Get(ctx, request.NamespacedName, obj); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	cloud, err := r.cloud(ctx, obj)
	if err != nil {
		return ctrl.Result{}, err
	}
	if !obj.DeletionTimestamp.IsZero() {
		return r.remove(ctx, cloud, obj)
	}
	if controllerutil.AddFinalizer(obj, finalizer) {
		if err := r.Update(ctx, obj); err != nil {
			return ctrl.Result{}, err
		}
	}
	if obj.Status.ImageID == "" {
		imported, err := cloud.ImportImage(ctx, request2cloud(obj), ens.Pin{Nonce: string(obj.UID), SignedAt: time.Now()})
		if err != nil {
			return ctrl.Result{}, r.report(ctx, obj, "ImportFailed", err.Error(), err)
		}
		obj.Status.ImageID = imported.ImageID
		return ctrl.Result{RequeueAfter: poll}, r.report(ctx, obj, "Importing", "the import is running", nil)
	}
	image, err := cloud.ImageByID(ctx, obj.Status.ImageID)
	switch {
	case err != nil:
		return ctrl.Result{}, r.report(ctx, obj, "Unknown", err.Error(), err)
	case image == nil:
		return ctrl.Result{RequeueAfter: poll}, r.report(ctx, obj, "NotFound", "the image is not there", nil)
	case image.Status != ens.StatusAvailable:
		return ctrl.Result{RequeueAfter: poll}, r.report(ctx, obj, "Importing", "the image is "+image.Status, nil)
	}
	return ctrl.Result{RequeueAfter: drift}, r.report(ctx, obj, v1alpha1.ReasonAvailable, "the image is available", nil)
}

func (r *reconciler) remove(ctx context.Context, cloud *ens.Client, obj *v1alpha1.ImageImport) (ctrl.Result, error) {
	if obj.Status.ImageID != "" {
		if err := cloud.DeleteImage(ctx, obj.Status.ImageID); err != nil {
			return ctrl.Result{}, err
		}
	}
	controllerutil.RemoveFinalizer(obj, finalizer)
	return ctrl.Result{}, r.Update(ctx, obj)
}

// report updates the status, whether it has changed or not.
func (r *reconciler) report(ctx context.Context, obj *v1alpha1.ImageImport, reason, message string, failure error) error {
	status := metav1.ConditionFalse
	if reason == v1alpha1.ReasonAvailable {
		status = metav1.ConditionTrue
	}
	obj.Status.ObservedGeneration = obj.Generation
	meta.SetStatusCondition(&obj.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: message, ObservedGeneration: obj.Generation,
	})
	if err := r.Status().Update(ctx, obj); err != nil {
		return err
	}
	return failure
}

func (r *reconciler) cloud(ctx context.Context, obj *v1alpha1.ImageImport) (*ens.Client, error) {
	secret := &corev1.Secret{}
	if err := r.Get(ctx, client.ObjectKey{Namespace: obj.Namespace, Name: obj.Spec.Credentials.SecretRef.Name}, secret); err != nil {
		return nil, err
	}
	return r.endpoint.Client(ens.Credentials{
		AccessKeyID: string(secret.Data["accessKeyID"]), AccessKeySecret: string(secret.Data["accessKeySecret"]),
	}), nil
}

func request2cloud(obj *v1alpha1.ImageImport) ens.Import {
	return ens.Import{
		ImageName: obj.Spec.ImageName, ComputeType: obj.Spec.ComputeType, OSType: obj.Spec.OSType, Architecture: obj.Spec.Architecture,
		ImageFormat: obj.Spec.ImageFormat, Source: ens.OSSObject(obj.Spec.Source.OSS), TargetOSSRegionID: obj.Spec.Source.OSS.Region,
	}
}

func run() error {
	address := flag.String("ens-endpoint", "", "where the cloud is")
	namespace := flag.String("watch-namespaces", "", "the namespace to look after")
	metricsAddress := flag.String("metrics-bind-address", "0", "where the metrics are")
	flag.Parse()
	ctrl.SetLogger(zap.New())
	endpoint, err := ens.NewEndpoint(ens.Config{Endpoint: *address})
	if err != nil {
		return err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Metrics: metricsserver.Options{BindAddress: *metricsAddress},
		Cache: cache.Options{DefaultNamespaces: map[string]cache.Config{*namespace: {}}},
	})
	if err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(mgr).For(&v1alpha1.ImageImport{}).WithOptions(controller.Options{MaxConcurrentReconciles: 10}).
		Complete(&reconciler{Client: mgr.GetClient(), endpoint: endpoint})
	if err != nil {
		return err
	}
	return mgr.Start(ctrl.SetupSignalHandler())
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "naive:", err)
		os.Exit(1)
	}
}
