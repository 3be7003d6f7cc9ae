// SPDX-License-Identifier: Apache-2.0

// Package controllers holds the one controller of the operator. The story, in the order of the files:
//
//	imageimport_controller.go  Reconcile: decide names one effect, perform carries it out, until there is nothing to do.
//	intent.go                  The durable record of an import, and the token and nonce that derive from it.
//	request.go                 What the spec asks of the cloud: the ImportImage request and the image's name.
//	state.go                   What a decision rests on.
//	decide.go                  What to do next: a pure function of the object and of what was seen in the cloud.
//	decide_deletion.go         The same for an object that is being deleted.
//	decide_adoption.go         The same for images that this object did not import: adopted, observed, another object's.
//	decide_sharing.go          The same for the accounts that may use the image.
//	observe.go                 How an object learns of its images: the seam to internal/imagewatch, which looks for all of them.
//	claim.go                   Which of several objects has the better claim to an image.
//	perform.go                 How each effect is carried out. The only code that writes to Kubernetes' metadata or the cloud.
//	account.go                 From the object's Secret to a cloud client.
//	cloud.go                   What the objects of an account share: its limits, its watch, and the queue of its writes.
//	follow.go                  The end of a reconcile: for what the object is to be woken.
//	report.go, failure.go      What to tell, and when to come back.
//	status.go, announce.go     How it is told: conditions, lastError, events. metrics.go: counts.
//	sweep.go                   Apart from all that: images that lost their object.
//
// An import lives through these states. Everything that matters is in the intent, an annotation that is written before
// the cloud is; the image's name carries a token until the intent holds its ID. Why that is enough, and what it rests on,
// is told in docs/exactly-once.md.
//
//	(no intent) --write intent, ImportImage--> open --image Available: write its ID--> owned --rename--> Ready
//	                                            |  ^                                     |
//	          refused, or the image failed      |  | answer lost: look for the token     | image gone: Vanished,
//	                  v                         |  | until the request can no longer     | imported again on request
//	               closed <---------------------+  | run, then the next attempt          |
//	                  |                            |                                     |
//	                  +--later: remove what failed, next attempt------------------------ +
//
//	adopted (spec.imageID, or the annotation ens.alibabacloud.com/adopt): owned, without an attempt
//	another object's record (copy, restore, move): its object lives: (no intent); else its image is observed until adopted
//
//	deletion: Retain, or nothing in the cloud --> finalizer off
//	          otherwise: resolve the open attempt, DeleteImage, wait until the image is gone --> finalizer off
package controllers
