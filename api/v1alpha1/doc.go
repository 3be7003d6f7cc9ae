// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 is the Kubernetes API of the operator: group ens.alibabacloud.com, kind ImageImport.
// Field names follow the words of the ENS API (version 2017-11-10) in Kubernetes spelling.
// +kubebuilder:object:generate=true
// +groupName=ens.alibabacloud.com
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of all types in this package.
var GroupVersion = schema.GroupVersion{Group: "ens.alibabacloud.com", Version: "v1alpha1"}

var schemeBuilder = runtime.NewSchemeBuilder(func(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &ImageImport{}, &ImageImportList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
})

// AddToScheme registers the types of this package with a scheme.
var AddToScheme = schemeBuilder.AddToScheme
