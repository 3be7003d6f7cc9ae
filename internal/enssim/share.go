// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// maxSharePageSize is documented for DescribeImageSharePermission.
const maxSharePageSize = 100

var accountID = regexp.MustCompile(`^[0-9]{1,20}$`)

type shareResult struct {
	RequestID string `json:"RequestId"`
}

// sharesResult has numbers where DescribeSelfImages has strings.
type sharesResult struct {
	RequestID  string `json:"RequestId"`
	ImageID    string `json:"ImageId"`
	PageNumber int    `json:"PageNumber"`
	PageSize   int    `json:"PageSize"`
	TotalCount int    `json:"TotalCount"`
	Accounts   struct {
		Account []shareRow `json:"Account"`
	} `json:"Accounts"`
}

type shareRow struct {
	AliyunUID string `json:"AliyunUid"`
}

// modifyImageSharePermission changes all or nothing. Adding an account twice
// and removing one that is not there are not documented as errors.
func (s *Simulator) modifyImageSharePermission(c *call) (any, *apiError) {
	record, refusal := s.ownImage(c)
	if refusal != nil {
		return nil, refusal
	}
	add, refusal := s.readAccounts(c, "AddAccounts")
	if refusal != nil {
		return nil, refusal
	}
	remove, refusal := s.readAccounts(c, "RemoveAccounts")
	if refusal != nil {
		return nil, refusal
	}
	switch {
	case len(add) == 0 && len(remove) == 0:
		return nil, missingParameter("AddAccounts")
	case len(remove) > 1 && !s.behaviour.AllowRemoveSeveralAccounts:
		return nil, invalidParameter("RemoveAccounts", "Only one account can be removed by a call.")
	case record.statusAt(c.now) != StatusAvailable && !s.behaviour.AllowShareUnfinished:
		return nil, incorrectStatus()
	}
	shared := record.Image.SharedWith
	for _, account := range add {
		if !slices.Contains(shared, account) {
			shared = append(shared, account)
		}
	}
	record.Image.SharedWith = slices.DeleteFunc(shared, func(account string) bool { return slices.Contains(remove, account) })
	return shareResult{RequestID: c.requestID}, nil
}

func (s *Simulator) describeImageSharePermission(c *call) (any, *apiError) {
	record, refusal := s.ownImage(c)
	if refusal != nil {
		return nil, refusal
	}
	wanted, refusal := c.readPage(maxSharePageSize, s.behaviour.ClampPageSize)
	if refusal != nil {
		return nil, refusal
	}
	only := c.params["AliyunId"]
	if only != "" && !accountID.MatchString(only) {
		return nil, invalidParameter("AliyunId", "It must be a number.")
	}
	rows := []shareRow{}
	for _, account := range record.Image.SharedWith {
		if only == "" || only == account {
			rows = append(rows, shareRow{AliyunUID: account})
		}
	}
	result := sharesResult{
		RequestID: c.requestID, ImageID: c.imageID, PageNumber: wanted.number, PageSize: wanted.size, TotalCount: len(rows),
	}
	result.Accounts.Account = cut(rows, wanted)
	return result, nil
}

// readAccounts reads a comma-separated list of account ids.
func (s *Simulator) readAccounts(c *call, name string) ([]string, *apiError) {
	if c.params[name] == "" {
		return nil, nil
	}
	accounts := strings.Split(c.params[name], ",")
	for _, account := range accounts {
		if !accountID.MatchString(account) {
			return nil, invalidParameter(name, "It is a list of account ids, joined by commas without blanks.")
		}
		if account == c.account() || slices.Contains(s.behaviour.InvalidAccounts, account) {
			return nil, refuse(http.StatusBadRequest, "InvalidParameter", "An image cannot be shared with account %s.", account)
		}
	}
	return accounts, nil
}
