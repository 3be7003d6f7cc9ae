// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// The keys of a credentials Secret.
const (
	secretKeyID     = "accessKeyID"
	secretKeySecret = "accessKeySecret"
	secretToken     = "securityToken"
)

// account is the cloud on behalf of one object.
type account struct {
	*ens.Client
	// cloud is what all objects share that call with this identity.
	cloud    *cloud
	identity string
	// source names the Secret, empty for the operator's own credentials.
	source types.NamespacedName
	// key tells this access key from others without showing it. Empty for temporary keys, which tell nothing.
	key string
	// secretVersion is the resourceVersion of the Secret, empty for the operator's own credentials.
	secretVersion string
}

// open returns the account that a Secret opens, or the operator's own credentials for an empty source.
func (r *Reconciler) open(ctx context.Context, source types.NamespacedName) (*account, error) {
	opened := &account{source: source}
	var credentials ens.Credentials
	var err error
	if source.Name == "" {
		credentials, err = ownCredentials(os.Getenv)
	} else {
		var secret *corev1.Secret
		if secret, err = r.secret(ctx, source); err == nil {
			opened.secretVersion = secret.ResourceVersion
			credentials, err = secretCredentials(secret)
		}
	}
	if err != nil {
		return nil, err
	}
	opened.Client, opened.key, opened.identity = r.Endpoint.Client(credentials), fingerprint(credentials), identityOf(credentials, source)
	return opened, nil
}

// fingerprint is a part of a digest of the access key ID, which is no secret, but nobody's business either.
func fingerprint(credentials ens.Credentials) string {
	if credentials.SecurityToken != "" {
		return ""
	}
	sum := sha256.Sum256([]byte("ensimport/key/v1|" + credentials.AccessKeyID))
	return hex.EncodeToString(sum[:4])
}

// secret reads a Secret live. Secrets are neither watched nor cached.
func (r *Reconciler) secret(ctx context.Context, key types.NamespacedName) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	// From level 8 on, client-go logs the bodies of answers.
	err := r.APIReader.Get(log.IntoContext(ctx, logr.Discard()), key, secret)
	if apierrors.IsNotFound(err) {
		return nil, &credentialsError{
			unreadable: true, reason: v1alpha1.ReasonSecretNotFound,
			message: fmt.Sprintf("the Secret %q of spec.credentials.secretRef does not exist in namespace %q", key.Name, key.Namespace),
			hint:    fmt.Sprintf("create it with the keys %q and %q; the operator notices within a minute", secretKeyID, secretKeySecret),
		}
	}
	if apierrors.IsForbidden(err) {
		return nil, &credentialsError{
			unreadable: true, reason: v1alpha1.ReasonInvalidCredentials,
			message: fmt.Sprintf("the operator may not read the Secret %q in namespace %q", key.Name, key.Namespace),
			hint:    "give the operator's service account the right to get Secrets in this namespace",
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", key, err)
	}
	return secret, nil
}

func secretCredentials(secret *corev1.Secret) (ens.Credentials, error) {
	var missing []string
	value := func(key string) string {
		v := strings.TrimSpace(string(secret.Data[key]))
		if v == "" && key != secretToken {
			missing = append(missing, fmt.Sprintf("%q", key))
		}
		return v
	}
	credentials := ens.Credentials{AccessKeyID: value(secretKeyID), AccessKeySecret: value(secretKeySecret), SecurityToken: value(secretToken)}
	if len(missing) > 0 {
		return ens.Credentials{}, &credentialsError{
			reason: v1alpha1.ReasonInvalidCredentials,
			message: fmt.Sprintf("the Secret %q lacks the key %s; it needs %q and %q, and %q for temporary keys",
				secret.Name, strings.Join(missing, " and "), secretKeyID, secretKeySecret, secretToken),
			hint: "add what is missing; the operator notices within a minute",
		}
	}
	return credentials, nil
}

// ownCredentials are the operator's, from the environment variables that all tools of Alibaba Cloud share.
func ownCredentials(getenv func(string) string) (ens.Credentials, error) {
	credentials := ens.Credentials{
		AccessKeyID:     getenv("ALIBABA_CLOUD_ACCESS_KEY_ID"),
		AccessKeySecret: getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
		SecurityToken:   getenv("ALIBABA_CLOUD_SECURITY_TOKEN"),
	}
	if credentials.AccessKeyID == "" || credentials.AccessKeySecret == "" {
		return ens.Credentials{}, &credentialsError{
			reason:  v1alpha1.ReasonInvalidCredentials,
			message: "spec.credentials.secretRef is not set, and the operator has no credentials of its own (ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET)",
			hint:    "name a Secret in spec.credentials.secretRef, or give the operator's container these environment variables",
		}
	}
	return credentials, nil
}
