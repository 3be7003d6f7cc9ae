// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

func TestSecretCredentials(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data map[string]string
		want ens.Credentials
		says string
	}{
		"lasting key":     {map[string]string{"accessKeyID": "id", "accessKeySecret": "canary"}, ens.Credentials{AccessKeyID: "id", AccessKeySecret: "canary"}, ""},
		"temporary key":   {map[string]string{"accessKeyID": "id", "accessKeySecret": "canary", "securityToken": "sts"}, ens.Credentials{AccessKeyID: "id", AccessKeySecret: "canary", SecurityToken: "sts"}, ""},
		"with line ends":  {map[string]string{"accessKeyID": "id\n", "accessKeySecret": " canary\r\n"}, ens.Credentials{AccessKeyID: "id", AccessKeySecret: "canary"}, ""},
		"without secret":  {map[string]string{"accessKeyID": "canary"}, ens.Credentials{}, `the Secret "keys" lacks the key "accessKeySecret";`},
		"with empty ID":   {map[string]string{"accessKeyID": " ", "accessKeySecret": "canary"}, ens.Credentials{}, `lacks the key "accessKeyID";`},
		"with other keys": {map[string]string{"AccessKeyID": "canary"}, ens.Credentials{}, `lacks the key "accessKeyID" and "accessKeySecret";`},
		"with nothing":    {nil, ens.Credentials{}, `lacks the key "accessKeyID" and "accessKeySecret";`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "keys"}, Data: map[string][]byte{}}
			for key, value := range c.data {
				secret.Data[key] = []byte(value)
			}
			got, err := secretCredentials(secret)
			g.Expect(got).To(Equal(c.want))
			if c.says == "" {
				g.Expect(err).NotTo(HaveOccurred())
				return
			}
			g.Expect(err).To(MatchError(And(ContainSubstring(c.says), Not(ContainSubstring("canary")))))
			denied, _ := errors.AsType[*credentialsError](err)
			g.Expect(denied.reason).To(Equal(v1alpha1.ReasonInvalidCredentials))
			g.Expect(denied.hint).NotTo(BeEmpty())
		})
	}
}

func TestOwnCredentials(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		environment map[string]string
		want        ens.Credentials
		missing     bool
	}{
		"lasting key":    {map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s"}, ens.Credentials{AccessKeyID: "id", AccessKeySecret: "s"}, false},
		"temporary key":  {map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s", "ALIBABA_CLOUD_SECURITY_TOKEN": "t"}, ens.Credentials{AccessKeyID: "id", AccessKeySecret: "s", SecurityToken: "t"}, false},
		"without secret": {map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": "id"}, ens.Credentials{}, true},
		"without ID":     {map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s"}, ens.Credentials{}, true},
		"none":           {nil, ens.Credentials{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			got, err := ownCredentials(func(key string) string { return c.environment[key] })
			g.Expect(got).To(Equal(c.want))
			g.Expect(err != nil).To(Equal(c.missing))
			if c.missing {
				denied, _ := errors.AsType[*credentialsError](err)
				g.Expect(denied.reason).To(Equal(v1alpha1.ReasonInvalidCredentials))
				g.Expect(err).To(MatchError(ContainSubstring("spec.credentials.secretRef is not set")))
			}
		})
	}
}
