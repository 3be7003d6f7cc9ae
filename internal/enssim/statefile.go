// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// savedState is what survives a restart. History and faults do not.
type savedState struct {
	Behaviour  Behaviour    `json:"behaviour"`
	AccessKeys []AccessKey  `json:"accessKeys"`
	Objects    []Object     `json:"objects"`
	Images     []*image     `json:"images"`
	Created    int          `json:"created"`
	Nonces     []savedNonce `json:"nonces"`
}

type savedNonce struct {
	AccessKeyID string    `json:"accessKeyID"`
	Nonce       string    `json:"nonce"`
	Used        time.Time `json:"used"`
}

// UseStateFile loads the state from the file, if there is one, and from then on
// saves it there whenever it changes, before the call that changed it is
// answered. The file holds the secrets of the access keys and is readable by
// its owner only. A later error in saving is reported by StateError.
func (s *Simulator) UseStateFile(path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := os.ReadFile(path) //nolint:gosec // the path is the operator's choice
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("reading state: %w", err)
	default:
		if err := s.load(text); err != nil {
			return fmt.Errorf("reading state from %s: %w", path, err)
		}
	}
	s.stateFile = path
	s.persist()
	return s.stateErr
}

// StateError returns why the newest state could not be saved, or nil.
func (s *Simulator) StateError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stateErr
}

func (s *Simulator) load(text []byte) error {
	var saved savedState
	if err := decodeStrictly(text, &saved); err != nil {
		return err
	}
	if err := saved.Behaviour.Validate(); err != nil {
		return err
	}
	s.restart()
	s.behaviour, s.created = saved.Behaviour, saved.Created
	clear(s.keys)
	clear(s.objects)
	clear(s.images)
	s.sorted = nil
	s.plant(Seed{AccessKeys: saved.AccessKeys, Objects: saved.Objects})
	for _, record := range saved.Images {
		s.images[record.Image.ImageID] = record
	}
	for _, nonce := range saved.Nonces {
		s.nonces[nonceID{nonce.AccessKeyID, nonce.Nonce}] = nonce.Used
	}
	return nil
}

// persist saves the state. The lock is held, so that files follow one another
// in the order of the changes.
func (s *Simulator) persist() {
	if s.stateFile == "" {
		return
	}
	saved := savedState{
		Behaviour: s.behaviour, AccessKeys: s.sortedKeys(), Objects: s.sortedObjects(), Images: s.sortedImages(),
		Created: s.created, Nonces: make([]savedNonce, 0, len(s.nonces)),
	}
	for id, used := range s.nonces {
		saved.Nonces = append(saved.Nonces, savedNonce{id.accessKeyID, id.nonce, used})
	}
	slices.SortFunc(saved.Nonces, func(a, b savedNonce) int { return strings.Compare(a.Nonce, b.Nonce) })
	s.stateErr = replaceFile(s.stateFile, mustEncode(saved))
}

// replaceFile renames a complete new file over the old one: a crash leaves one
// of the two.
func replaceFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("saving state: %w", err)
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("saving state: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}
