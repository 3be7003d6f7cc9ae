// SPDX-License-Identifier: Apache-2.0

// Package imagewatch looks at the images of an account on behalf of all objects that use it, so that the cost of watching
// grows with the pages of a listing and not with the number of objects.
//
// An object asks with Look. What is known already, and was seen after the object asked, is answered at once; otherwise the
// object is woken (Options.Wake) after the next round. With Follow it says how soon it wants to be looked at again, and is
// woken only when what it knows has changed. A round takes the cheapest way to what is due:
//
//	single look-ups   one call for each object that is due
//	marked images     the pages of a search for the marker that the names of all images being imported carry
//	the full listing  the pages of all images of the account
//
// What a search misses is looked for one by one, where that is cheaper than the full listing. Who was woken and has not come yet
// is not looked for again for a while. A listing that fails says nothing, and one that changed while it was read what it shows. That there is no image is said only when two complete looks of
// different kind have missed it, both of which began after the object asked: the full listing, and a single look-up (a
// second listing when that is cheaper, or when one call cannot look for it).
package imagewatch
