// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"fmt"

	"sigs.k8s.io/yaml"
)

// Seed is what a simulator starts with and returns to on a reset.
type Seed struct {
	AccessKeys []AccessKey `json:"accessKeys,omitempty"`
	Objects    []Object    `json:"objects,omitempty"`
	Images     []Image     `json:"images,omitempty"`
	// Behaviour to start with. In a parsed seed it may name just some fields:
	// the others come from DefaultBehaviour.
	Behaviour *Behaviour `json:"behaviour,omitempty"`
}

// ParseSeed reads a YAML or JSON seed. An unknown or repeated field is an error.
func ParseSeed(text []byte) (Seed, error) {
	jsonText, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return Seed{}, fmt.Errorf("parsing seed: %w", err)
	}
	var seed Seed
	behaviour, err := DefaultBehaviour().overlaid(func(b *Behaviour) error {
		seed.Behaviour = b
		return decodeStrictly(jsonText, &seed)
	})
	if err != nil {
		return Seed{}, fmt.Errorf("parsing seed: %w", err)
	}
	seed.Behaviour = &behaviour
	return seed, seed.validate()
}

func (seed Seed) validate() error {
	if seed.Behaviour != nil {
		if err := seed.Behaviour.Validate(); err != nil {
			return err
		}
	}
	for i, key := range seed.AccessKeys {
		if err := key.validate(); err != nil {
			return fmt.Errorf("accessKeys[%d]: %w", i, err)
		}
	}
	for i, object := range seed.Objects {
		if err := object.validate(); err != nil {
			return fmt.Errorf("objects[%d]: %w", i, err)
		}
	}
	for i, image := range seed.Images {
		if image.AccountID == "" && len(seed.AccessKeys) != 1 {
			return fmt.Errorf("images[%d]: accountID is empty and there is not exactly one access key to take it from", i)
		}
	}
	return nil
}

// Apply makes the seed the new starting point and resets the simulator to it.
// A seed without a behaviour keeps the one that the simulator started with.
func (s *Simulator) Apply(seed Seed) error {
	if err := seed.validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if seed.Behaviour == nil {
		seed.Behaviour = s.initial.Behaviour
	}
	s.initial = seed
	s.restart()
	s.persist()
	return nil
}

func (s *Simulator) plant(seed Seed) {
	for _, key := range seed.AccessKeys {
		s.keys[key.ID] = key.clone()
	}
	for _, object := range seed.Objects {
		s.putObject(object)
	}
	for _, image := range seed.Images {
		s.putImage(image)
	}
}
