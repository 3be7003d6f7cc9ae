// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"cmp"
	"errors"
	"slices"
)

// sourceRegion is the only region that ImportImage reads from.
const sourceRegion = "cn-beijing"

// Object is a file in OSS that ImportImage can read.
type Object struct {
	// Region of the bucket. Default cn-beijing.
	Region string `json:"region,omitempty"`
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	// Format of the file. Default qcow2; any other one fails the import.
	Format string `json:"format,omitempty"`
	// SizeGiB is the virtual size of the disk. Default 20.
	SizeGiB int `json:"sizeGiB,omitempty"`
	// Corrupt makes the import fail.
	Corrupt bool `json:"corrupt,omitempty"`
}

type objectID struct{ region, bucket, key string }

// PutObject adds the object or replaces the one in its place.
func (s *Simulator) PutObject(object Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putObject(object)
	s.persist()
}

// DeleteObject removes the object. Imports that started before go on.
func (s *Simulator) DeleteObject(region, bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, objectID{cmp.Or(region, sourceRegion), bucket, key})
	s.persist()
}

func (s *Simulator) putObject(object Object) {
	object = object.withDefaults()
	s.objects[objectID{object.Region, object.Bucket, object.Key}] = object
}

func (s *Simulator) findObject(source DiskSource) (Object, bool) {
	object, ok := s.objects[objectID{source.OSSRegion, source.OSSBucket, source.OSSObject}]
	if !ok && s.behaviour.AcceptAnyObject {
		return Object{}.withDefaults(), true
	}
	return object, ok
}

func (s *Simulator) sortedObjects() []Object {
	objects := make([]Object, 0, len(s.objects))
	for _, object := range s.objects {
		objects = append(objects, object)
	}
	slices.SortFunc(objects, func(a, b Object) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Key, b.Key))
	})
	return objects
}

func (o Object) withDefaults() Object {
	o.Region = cmp.Or(o.Region, sourceRegion)
	o.Format = cmp.Or(o.Format, "qcow2")
	o.SizeGiB = cmp.Or(o.SizeGiB, 20)
	return o
}

func (o Object) validate() error {
	if o.Bucket == "" || o.Key == "" {
		return errors.New("an object needs bucket and key")
	}
	return nil
}

func (o Object) importable() bool { return o.Format == "qcow2" && !o.Corrupt }
