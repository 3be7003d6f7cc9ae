// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"errors"
	"net/http"
	"slices"
)

// imagePatch changes what it names and leaves the rest.
type imagePatch struct {
	ImageName *string `json:"imageName"`
	// Status is pinned; an empty one lets the image move by time again.
	Status     *string   `json:"status"`
	InUse      *bool     `json:"inUse"`
	SharedWith *[]string `json:"sharedWith"`
}

func (s *Simulator) adminPostImage(r *http.Request) (any, error) {
	var image Image
	if err := readBody(r, &image); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if image.AccountID == "" && s.onlyAccount() == "" {
		return nil, errors.New("accountID is empty and the access keys do not belong to exactly one account")
	}
	stored := s.putImage(image)
	s.persist()
	return stored, nil
}

func (s *Simulator) adminPatchImage(r *http.Request) (any, error) {
	var patch imagePatch
	if err := readBody(r, &patch); err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if err := s.UpdateImage(id, patch.apply); err != nil {
		return nil, &adminError{http.StatusNotFound, err.Error()}
	}
	images := s.Images()
	if i := slices.IndexFunc(images, func(image Image) bool { return image.ImageID == id }); i >= 0 {
		return images[i], nil
	}
	return nil, nil
}

func (p imagePatch) apply(image *Image) {
	if p.ImageName != nil {
		image.ImageName = *p.ImageName
	}
	if p.Status != nil {
		image.Status, image.StatusPinned = *p.Status, true
	}
	if p.InUse != nil {
		image.InUse = *p.InUse
	}
	if p.SharedWith != nil {
		image.SharedWith = *p.SharedWith
	}
}

func (s *Simulator) adminDeleteImage(r *http.Request) (any, error) {
	s.RemoveImage(r.PathValue("id"))
	return nil, nil
}

func (s *Simulator) adminGetObjects(*http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sortedObjects(), nil
}

func (s *Simulator) adminPutObject(r *http.Request) (any, error) {
	var object Object
	if err := readBody(r, &object); err != nil {
		return nil, err
	}
	if err := object.validate(); err != nil {
		return nil, err
	}
	s.PutObject(object)
	return object.withDefaults(), nil
}

// adminDeleteObject takes the object from the query, because a key may hold slashes.
func (s *Simulator) adminDeleteObject(r *http.Request) (any, error) {
	query := r.URL.Query()
	object := Object{Region: query.Get("region"), Bucket: query.Get("bucket"), Key: query.Get("key")}
	if err := object.validate(); err != nil {
		return nil, err
	}
	s.DeleteObject(object.Region, object.Bucket, object.Key)
	return nil, nil
}

func (s *Simulator) adminPutAccessKey(r *http.Request) (any, error) {
	var key AccessKey
	if err := readBody(r, &key); err != nil {
		return nil, err
	}
	if err := key.validate(); err != nil {
		return nil, err
	}
	s.PutAccessKey(key)
	key.Secret, key.SecurityToken = "", ""
	return key, nil
}
