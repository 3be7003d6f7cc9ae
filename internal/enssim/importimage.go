// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/json"
)

// imageName is the rule of the ImportImage page. It leaves out the dot that
// other pages mention.
var imageName = regexp.MustCompile(`^[A-Za-z\p{Han}][A-Za-z0-9\p{Han}:_-]{1,127}$`)

// importResult has no Code, unlike the answers of the other actions.
type importResult struct {
	RequestID string `json:"RequestId"`
	ImageID   string `json:"ImageId"`
}

func (s *Simulator) importImage(c *call) (any, *apiError) {
	created, refusal := s.readImport(c)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := s.checkUnique(c, created.ImageName, ""); refusal != nil {
		return nil, refusal
	}
	disks, refusal := s.findDisks(created)
	if refusal != nil {
		return nil, refusal
	}
	created.SizeGiB = disks[0].SizeGiB
	record := s.newRecord()
	record.Plan, record.Final = s.behaviour.planGood(created.TargetOSSRegionID)
	if slices.ContainsFunc(disks, func(disk Object) bool { return !disk.importable() }) {
		record.Plan, record.Final = s.behaviour.planBad()
	}
	record.VisibleAt = c.now.Add(s.behaviour.ListLag.Duration)
	record.store(created)
	s.images[created.ImageID], s.sorted = record, nil
	c.imageID = created.ImageID
	return importResult{RequestID: c.requestID, ImageID: created.ImageID}, nil
}

// readImport checks every parameter and returns the image they describe.
func (s *Simulator) readImport(c *call) (Image, *apiError) {
	created := Image{
		ImageID: newImageID(), ImageName: c.params["ImageName"], AccountID: c.account(), CreationTime: c.now,
		ComputeType: c.params["ComputeType"], OSType: c.params["OSType"], ImageFormat: c.params["ImageFormat"],
		Architecture: c.params["Architecture"], Platform: c.params["Platform"], OSVersion: c.params["OSVersion"],
		LicenseType:       c.params["LicenseType"],
		TargetOSSRegionID: cmp.Or(c.params["TargetOSSRegionId"], sourceRegion),
	}
	if refusal := checkImageName(created.ImageName); refusal != nil {
		return Image{}, refusal
	}
	if refusal := s.checkWords(c); refusal != nil {
		return Image{}, refusal
	}
	var refusal *apiError
	if created.DiskSource, refusal = c.readSystemDisk(); refusal != nil {
		return Image{}, refusal
	}
	if created.DiskDeviceMapping, refusal = c.readDiskDeviceMapping(); refusal != nil {
		return Image{}, refusal
	}
	switch {
	case created.OSSBucket == "" && len(created.DiskDeviceMapping) == 0:
		return Image{}, missingParameter("OSSObject")
	case created.OSSBucket != "" && len(created.DiskDeviceMapping) > 0 && s.behaviour.RejectBothSources:
		return Image{}, invalidParameter("DiskDeviceMapping", "It must not come together with OSSObject.")
	}
	return created, nil
}

func checkImageName(name string) *apiError {
	if !imageName.MatchString(name) {
		return invalidParameter("ImageName",
			"It has 2 to 128 characters, starts with a Latin letter or a Chinese character and goes on with these, digits, colons, underscores and hyphens.")
	}
	return nil
}

// checkWords compares the parameters that have a closed list of values.
func (s *Simulator) checkWords(c *call) *apiError {
	systems := []string{"linux"}
	if s.behaviour.AllowWindows {
		systems = append(systems, "windows")
	}
	lists := []struct {
		name    string
		allowed []string
	}{
		{"ComputeType", []string{"ens_vm"}},
		{"OSType", systems},
		{"ImageFormat", []string{"qcow2"}},
		{"Architecture", []string{"x86_64"}},
		{"Platform", []string{"centos", "ubuntu"}},
		{"OSSRegion", []string{sourceRegion}},
		{"TargetOSSRegionId", []string{sourceRegion, "ap-southeast-1"}},
	}
	for _, list := range lists {
		if value := c.params[list.name]; value != "" && !slices.Contains(list.allowed, value) {
			return invalidParameter(list.name, "Allowed: %s.", strings.Join(list.allowed, ", "))
		}
	}
	return nil
}

// readSystemDisk returns an empty source when no OSS parameter was given.
func (c *call) readSystemDisk() (DiskSource, *apiError) {
	source := DiskSource{OSSRegion: c.params["OSSRegion"], OSSBucket: c.params["OSSBucket"], OSSObject: c.params["OSSObject"]}
	if source == (DiskSource{}) {
		return source, nil
	}
	if source.OSSBucket == "" {
		return source, missingParameter("OSSBucket")
	}
	if source.OSSObject == "" {
		return source, missingParameter("OSSObject")
	}
	source.OSSRegion = cmp.Or(source.OSSRegion, sourceRegion)
	return source, nil
}

// readDiskDeviceMapping takes one JSON string. A null, which is what an SDK
// makes of a nil slice, is a mistake of the client.
func (c *call) readDiskDeviceMapping() ([]DiskSource, *apiError) {
	text := c.params["DiskDeviceMapping"]
	if text == "" {
		return nil, nil
	}
	var disks []DiskSource
	strictErrors, err := json.UnmarshalStrict([]byte(text), &disks)
	if err != nil || len(strictErrors) > 0 || len(disks) == 0 {
		return nil, invalidParameter("DiskDeviceMapping",
			"It is one JSON string: an array of at least one object with OSSRegion, OSSBucket and OSSObject.")
	}
	for i := range disks {
		disks[i].OSSRegion = cmp.Or(disks[i].OSSRegion, sourceRegion)
		if disks[i].OSSRegion != sourceRegion {
			return nil, invalidParameter("DiskDeviceMapping", "Allowed for OSSRegion: %s.", sourceRegion)
		}
		if disks[i].OSSBucket == "" || disks[i].OSSObject == "" {
			return nil, invalidParameter("DiskDeviceMapping", "Every entry needs OSSBucket and OSSObject.")
		}
	}
	return disks, nil
}

// findDisks looks the objects up, the system disk first. As in ECS, that is the
// first entry of DiskDeviceMapping when there is no OSSObject. A missing object
// comes back as one that cannot be imported, unless the call is to be refused.
func (s *Simulator) findDisks(created Image) ([]Object, *apiError) {
	sources, field := created.DiskDeviceMapping, "DiskDeviceMapping"
	var disks []Object
	if created.OSSBucket != "" {
		sources = append([]DiskSource{created.DiskSource}, sources...)
		field = "OSSObject"
	}
	for _, source := range sources {
		disk, found := s.findObject(source)
		if !found && s.behaviour.MissingObject != MissingObjectFailLater {
			return nil, invalidParameter(field, "There is no object %s in bucket %s.", source.OSSObject, source.OSSBucket)
		}
		disks = append(disks, disk)
		field = "DiskDeviceMapping"
	}
	return disks, nil
}

// checkUnique refuses a name that another living image of the account has.
func (s *Simulator) checkUnique(c *call, name, exceptID string) *apiError {
	if !s.behaviour.UniqueNames {
		return nil
	}
	for id, record := range s.images {
		if id != exceptID && record.GoneAt.IsZero() && record.Image.AccountID == c.account() && record.Image.ImageName == name {
			return refuse(http.StatusBadRequest, s.behaviour.DuplicateNameCode, "The specified image name is used by another image.")
		}
	}
	return nil
}
