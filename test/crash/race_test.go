// SPDX-License-Identifier: Apache-2.0

//go:build race

package crash

// raceDetector tells how this binary was built.
const raceDetector = true
