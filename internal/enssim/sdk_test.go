// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	. "github.com/onsi/gomega"
)

// sdkCloud uses the true time, because the SDK signs with it.
func sdkCloud(t *testing.T) *cloud {
	t.Helper()
	c := newCloud(t, func(b *Behaviour) { b.Steps = nil })
	c.clock.advance(time.Since(c.clock.Now()))
	return c
}

func TestSDKImportsListsAndDeletes(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := sdkCloud(t)

	text, err := c.sdkCall(keyA, "ImportImage", importParams("golden-中", "OSSBucket", "-", "OSSObject", "-", "OSSRegion", "-",
		"DiskDeviceMapping", `[{"OSSRegion":"cn-beijing","OSSBucket":"images","OSSObject":"good.qcow2"}]`))
	g.Expect(err).NotTo(HaveOccurred())
	var created struct{ RequestId, ImageId string } //nolint:revive // the names on the wire
	g.Expect(json.Unmarshal([]byte(text), &created)).To(Succeed())
	g.Expect(text).NotTo(ContainSubstring("Code"))

	text, err = c.sdkCall(keyA, "DescribeSelfImages", map[string]string{"ImageName": "GOLDEN", "PageSize": "50"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(text).To(ContainSubstring(created.ImageId))

	_, err = c.sdkCall(keyA, "DeleteImage", map[string]string{"ImageId": created.ImageId})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(c.Images()).To(BeEmpty())

	history := c.History()
	g.Expect(history).To(HaveLen(3))
	g.Expect(history[0].ImageID).To(Equal(created.ImageId))
	g.Expect(history[0].RequestID).To(Equal(created.RequestId))
	g.Expect(history[0].SignatureVersion).To(Equal("V1"))
}

func TestSDKWithSecurityToken(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := sdkCloud(t)
	temporary := AccessKey{ID: "STS.a", Secret: "s", SecurityToken: "TOK/+=", AccountID: accountA}
	c.PutAccessKey(temporary)

	_, err := c.sdkCall(temporary, "DescribeSelfImages", nil)
	g.Expect(err).NotTo(HaveOccurred())
}

func TestSDKSeesTheCodeOfARefusal(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := sdkCloud(t)

	_, err := c.sdkCall(AccessKey{ID: keyA.ID, Secret: "wrong"}, "DescribeSelfImages", nil)
	refusal, ok := errors.AsType[*sdkerrors.ServerError](err)
	g.Expect(ok).To(BeTrue(), "%v", err)
	g.Expect(refusal.ErrorCode()).To(Equal("SignatureDoesNotMatch"))
	g.Expect(refusal.Recommend()).To(HavePrefix("InvalidAccessKeySecret"), "the SDK must recognise its own string to sign")
	g.Expect(refusal.RequestId()).To(Equal(c.History()[0].RequestID))
}

func TestSDKClientsInParallel(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := sdkCloud(t)
	const clients = 20
	errs := make([]error, clients)
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			_, errs[i] = c.sdkCall(keyA, "ImportImage", importParams(fmt.Sprintf("image-%02d", i)))
		})
	}
	group.Wait()
	g.Expect(errors.Join(errs...)).NotTo(HaveOccurred())
	g.Expect(c.Images()).To(HaveLen(clients))
	for i, call := range c.History() {
		g.Expect(call.Seq).To(Equal(i + 1))
	}
}
