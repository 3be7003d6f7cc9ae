// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// action is an operation of the API.
type action struct {
	required, optional []string
	// writes marks an action that changes the state.
	writes bool
	run    func(*Simulator, *call) (any, *apiError)
}

var actions = map[string]action{
	"ImportImage": {
		required: []string{"ImageName", "ComputeType", "OSType", "ImageFormat", "Architecture"},
		optional: []string{
			"Platform", "OSVersion", "OSSRegion", "OSSBucket", "OSSObject", "DiskDeviceMapping", "TargetOSSRegionId", "LicenseType",
		},
		writes: true,
		run:    (*Simulator).importImage,
	},
	"DescribeSelfImages": {
		optional: []string{"PageNumber", "PageSize", "ImageId", "ImageName", "SnapshotId"},
		run:      (*Simulator).describeSelfImages,
	},
	"ModifyImageAttribute": {
		required: []string{"ImageId", "ImageName"},
		writes:   true,
		run:      (*Simulator).modifyImageAttribute,
	},
	"DeleteImage": {
		required: []string{"ImageId"},
		writes:   true,
		run:      (*Simulator).deleteImage,
	},
	"ModifyImageSharePermission": {
		required: []string{"ImageId"},
		optional: []string{"AddAccounts", "RemoveAccounts"},
		writes:   true,
		run:      (*Simulator).modifyImageSharePermission,
	},
	"DescribeImageSharePermission": {
		required: []string{"ImageId"},
		optional: []string{"AliyunId", "PageNumber", "PageSize"},
		run:      (*Simulator).describeImageSharePermission,
	},
}

func findAction(req *request) (action, *apiError) {
	if req.action == "" {
		return action{}, refuse(http.StatusBadRequest, "MissingAction", "Action is mandatory.")
	}
	if req.version == "" {
		return action{}, refuse(http.StatusBadRequest, "MissingVersion", "Version is mandatory.")
	}
	if req.version != apiVersion {
		return action{}, refuse(http.StatusNotFound, "InvalidVersion", "Specified parameter Version is not valid. It must be %s.", apiVersion)
	}
	found, ok := actions[req.action]
	if !ok {
		return action{}, refuse(http.StatusNotFound, "InvalidAction.NotFound",
			"Specified api is not found, please check your url and method. The simulator knows %s.",
			strings.Join(slices.Sorted(maps.Keys(actions)), ", "))
	}
	return found, nil
}

// checkNames refuses an undeclared parameter, which the cloud would perhaps
// ignore: a misspelt one must show here. An empty value counts as not given.
func (a action) checkNames(params map[string]string) *apiError {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if !slices.Contains(a.required, name) && !slices.Contains(a.optional, name) {
			return invalidParameter(name, "The action has no such parameter.")
		}
	}
	for _, name := range a.required {
		if params[name] == "" {
			return missingParameter(name)
		}
	}
	return nil
}

// page is the part of a list that a call asks for.
type page struct{ number, size int }

// readPage reads PageNumber and PageSize with the documented defaults 1 and 10.
func (c *call) readPage(maxSize int, clamp bool) (page, *apiError) {
	number, refusal := c.readPositive("PageNumber", 1)
	if refusal != nil {
		return page{}, refusal
	}
	size, refusal := c.readPositive("PageSize", 10)
	if refusal != nil {
		return page{}, refusal
	}
	if size > maxSize {
		if !clamp {
			return page{}, invalidParameter("PageSize", "The maximum is %d.", maxSize)
		}
		size = maxSize
	}
	return page{number, size}, nil
}

func (c *call) readPositive(name string, standard int) (int, *apiError) {
	text := c.params[name]
	if text == "" {
		return standard, nil
	}
	value, err := strconv.ParseInt(text, 10, 32)
	if err != nil || value < 1 {
		return 0, invalidParameter(name, "It must be a whole number from 1 on.")
	}
	return int(value), nil
}

// cut returns the page's part of all.
func cut[T any](all []T, p page) []T {
	from := min(int64(p.number-1)*int64(p.size), int64(len(all)))
	to := min(from+int64(p.size), int64(len(all)))
	return all[from:to]
}
