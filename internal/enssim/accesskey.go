// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// AccessKey is a key pair that may sign requests, or a temporary one with a
// security token.
type AccessKey struct {
	ID     string `json:"id"`
	Secret string `json:"secret,omitempty"`
	// SecurityToken must come with every request of this key when it is set.
	SecurityToken string `json:"securityToken,omitempty"`
	// AccountID is the account that the key acts for, digits as in the cloud.
	AccountID string `json:"accountID"`
	Inactive  bool   `json:"inactive,omitempty"`
	// Deny lists the actions that the key may not call; * means all.
	Deny []string `json:"deny,omitempty"`
	// Expires ends the key. Nil means never.
	Expires *time.Time `json:"expires,omitempty"`
}

// PutAccessKey adds the key or replaces the one with the same ID.
func (s *Simulator) PutAccessKey(key AccessKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key.ID] = key.clone()
	s.persist()
}

// DeleteAccessKey removes the key; requests signed with it are then refused.
func (s *Simulator) DeleteAccessKey(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, id)
	s.persist()
}

// publicAccessKeys returns all keys by ID without their secrets.
func (s *Simulator) publicAccessKeys() []AccessKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := s.sortedKeys()
	for i := range keys {
		keys[i].Secret, keys[i].SecurityToken = "", ""
	}
	return keys
}

func (s *Simulator) sortedKeys() []AccessKey {
	keys := make([]AccessKey, 0, len(s.keys))
	for _, key := range s.keys {
		keys = append(keys, key.clone())
	}
	slices.SortFunc(keys, func(a, b AccessKey) int { return strings.Compare(a.ID, b.ID) })
	return keys
}

// onlyAccount returns the account of all keys, or nothing when there are several.
func (s *Simulator) onlyAccount() string {
	account := ""
	for _, key := range s.keys {
		if account != "" && key.AccountID != account {
			return ""
		}
		account = key.AccountID
	}
	return account
}

func (k AccessKey) validate() error {
	if k.ID == "" || k.Secret == "" || k.AccountID == "" {
		return errors.New("an access key needs id, secret and accountID")
	}
	return nil
}

func (k AccessKey) clone() AccessKey {
	k.Deny = slices.Clone(k.Deny)
	return k
}

func (k AccessKey) denies(action string) bool {
	return slices.Contains(k.Deny, action) || slices.Contains(k.Deny, "*")
}

func (k AccessKey) expired(now time.Time) bool {
	return k.Expires != nil && !now.Before(*k.Expires)
}
