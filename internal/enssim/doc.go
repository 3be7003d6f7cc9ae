// SPDX-License-Identifier: Apache-2.0

// Package enssim simulates the image part of the Alibaba Cloud ENS API
// (product Ens, version 2017-11-10, RPC style) in memory.
//
// The simulator is an http.Handler. Paths under /-/ are the admin API; the
// root path is the cloud's API, signed with Signature V1 or V3. It shares no
// code with the operator's client, so that a mistake in one of them shows.
//
// A fact taken from the cloud's documents is implemented as it stands. Where
// the documents are silent, the answer is a field of Behaviour whose default
// is the harsher choice for a client; docs/simulator.md lists them.
package enssim
