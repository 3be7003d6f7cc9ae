// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"net/http"
	"slices"
)

// changeResult is the answer of DeleteImage and ModifyImageAttribute.
type changeResult struct {
	Code      int    `json:"Code"`
	RequestID string `json:"RequestId"`
}

func (s *Simulator) modifyImageAttribute(c *call) (any, *apiError) {
	record, refusal := s.ownImage(c)
	if refusal != nil {
		return nil, refusal
	}
	name := c.params["ImageName"]
	if refusal := checkImageName(name); refusal != nil {
		return nil, refusal
	}
	if record.statusAt(c.now) != StatusAvailable && !s.behaviour.AllowRenameUnfinished {
		return nil, incorrectStatus()
	}
	if refusal := s.checkUnique(c, name, c.imageID); refusal != nil {
		return nil, refusal
	}
	record.rename(name, c.now.Add(s.behaviour.RenameLag.Duration))
	return changeResult{RequestID: c.requestID}, nil
}

func (s *Simulator) deleteImage(c *call) (any, *apiError) {
	record, refusal := s.ownImage(c)
	if refusal != nil {
		if refusal.code != DenialNoPermission && s.behaviour.NotFoundCode == NotFoundSuccess {
			return changeResult{RequestID: c.requestID}, nil
		}
		return nil, refusal
	}
	switch {
	case !finished(record.statusAt(c.now)) && !s.behaviour.AllowDeleteUnfinished:
		return nil, incorrectStatus()
	case record.Image.InUse:
		return nil, refuse(http.StatusBadRequest, s.behaviour.InUseCode, "The image is used by an instance.")
	case len(record.Image.SharedWith) > 0 && s.behaviour.DeleteSharedCode != "":
		return nil, refuse(http.StatusBadRequest, s.behaviour.DeleteSharedCode, "The image is shared with other accounts.")
	}
	record.GoneAt, s.sorted = c.now.Add(s.behaviour.DeleteLag.Duration), nil
	return changeResult{RequestID: c.requestID}, nil
}

// ownImage finds the image that ImageId names. An image of another account is
// not found either, unless it is shared with the caller.
func (s *Simulator) ownImage(c *call) (*image, *apiError) {
	id := c.params["ImageId"]
	record, found := s.living(id)
	if found && record.Image.AccountID == c.account() {
		c.imageID = id
		return record, nil
	}
	if found && slices.Contains(record.Image.SharedWith, c.account()) {
		return nil, refuse(http.StatusBadRequest, DenialNoPermission, "Permission denied.")
	}
	code := s.behaviour.NotFoundCode
	if code == NotFoundSuccess {
		code = "InvalidParameter.ImageId"
	}
	return nil, refuse(http.StatusBadRequest, code,
		"The specified field ImageId invalid. Please check it again. There is no such image.")
}

func incorrectStatus() *apiError {
	return refuse(http.StatusBadRequest, "IncorrectStatus.Image", "The current status of the image does not support this operation.")
}
