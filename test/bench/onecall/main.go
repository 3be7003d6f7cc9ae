// SPDX-License-Identifier: Apache-2.0

// Command onecall makes one call to the cloud and ends, as the command-line tool does that people write loops around:
// "onecall import NAME" prints the ImageId, "onecall status ID" the state of the image.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: onecall import NAME | status ID")
	}
	endpoint, err := ens.NewEndpoint(ens.Config{Endpoint: os.Getenv("ENS_ENDPOINT")})
	if err != nil {
		return err
	}
	cloud := endpoint.Client(ens.Credentials{
		AccessKeyID: os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_ID"), AccessKeySecret: os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
	})
	if args[0] == "import" {
		imported, err := cloud.ImportImage(ctx, ens.Import{
			ImageName: args[1], ComputeType: "ens_vm", OSType: "linux", Architecture: "x86_64", ImageFormat: "qcow2",
			Source: ens.OSSObject{Region: "cn-beijing", Bucket: "golden", Object: "ubuntu.qcow2"}, TargetOSSRegionID: "cn-beijing",
		}, ens.Pin{Nonce: args[1] + strconv.FormatInt(time.Now().UnixNano(), 36), SignedAt: time.Now()})
		fmt.Println(imported.ImageID)
		return err
	}
	image, err := cloud.ImageByID(ctx, args[1])
	if err == nil && image != nil {
		fmt.Println(image.Status)
	}
	return err
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) //nolint:forbidigo // a process of its own
	defer cancel()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
