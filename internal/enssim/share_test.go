// SPDX-License-Identifier: Apache-2.0

package enssim

import (
	"fmt"
	"strconv"
	"testing"

	. "github.com/onsi/gomega"
)

func TestModifyImageSharePermission(t *testing.T) {
	t.Parallel()
	const other = "1000000000000003"
	cases := map[string]struct {
		status      string
		add, remove string
		change      func(*Behaviour)
		code        string
		want        []string
	}{
		"add one":                {"", other, "", nil, "", []string{accountB, other}},
		"add several":            {"", other + ",4", "", nil, "", []string{accountB, other, "4"}},
		"add again":              {"", accountB, "", nil, "", []string{accountB}},
		"remove":                 {"", "", accountB, nil, "", []string{}},
		"remove what is not":     {"", "", other, nil, "", []string{accountB}},
		"add and remove":         {"", other, accountB, nil, "", []string{other}},
		"remove several":         {"", "", accountB + "," + other, nil, "InvalidParameter.RemoveAccounts", nil},
		"add with remove of two": {"", "4", accountB + "," + other, nil, "InvalidParameter.RemoveAccounts", nil},
		"remove several allowed": {"", "", accountB + "," + other, func(b *Behaviour) { b.AllowRemoveSeveralAccounts = true }, "", []string{}},
		"nothing":                {"", "", "", nil, "MissingParameter", nil},
		"not a number":           {"", "somebody", "", nil, "InvalidParameter.AddAccounts", nil},
		"blanks":                 {"", other + ", 4", "", nil, "InvalidParameter.AddAccounts", nil},
		"empty entry":            {"", other + ",", "", nil, "InvalidParameter.AddAccounts", nil},
		"oneself":                {"", accountA, "", nil, "InvalidParameter", nil},
		"unknown account":        {"", "4," + other, "", func(b *Behaviour) { b.InvalidAccounts = []string{other} }, "InvalidParameter", nil},
		"creating":               {StatusCreating, other, "", nil, "IncorrectStatus.Image", nil},
		"creating, allowed":      {StatusCreating, other, "", func(b *Behaviour) { b.AllowShareUnfinished = true }, "", []string{accountB, other}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c := newCloud(t)
			if test.change != nil {
				c.SetBehaviour(test.change)
			}
			c.PutImage(Image{ImageID: "m-1", AccountID: accountA, Status: test.status, SharedWith: []string{accountB}})
			answer := c.call(t, keyA, "ModifyImageSharePermission",
				map[string]string{"ImageId": "m-1", "AddAccounts": test.add, "RemoveAccounts": test.remove})
			g.Expect(answer.code()).To(Equal(test.code), answer.text)
			if test.code != "" {
				g.Expect(c.Images()[0].SharedWith).To(Equal([]string{accountB}), "all or nothing")
				return
			}
			g.Expect(answer.text).To(MatchJSON(fmt.Sprintf(`{"RequestId": %q}`, c.History()[0].RequestID)))
			g.Expect(c.Images()[0].SharedWith).To(HaveExactElements(test.want))
		})
	}
}

func TestDescribeImageSharePermission(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCloud(t)
	var accounts []string
	for i := range 101 {
		accounts = append(accounts, strconv.Itoa(5000+i))
	}
	c.PutImage(Image{ImageID: "m-1", AccountID: accountA, SharedWith: accounts})
	ask := func(more ...string) reply {
		params := map[string]string{"ImageId": "m-1"}
		for i := 0; i+1 < len(more); i += 2 {
			params[more[i]] = more[i+1]
		}
		return c.call(t, keyA, "DescribeImageSharePermission", params)
	}
	g.Expect(ask("AliyunId", "5100").text).To(MatchJSON(fmt.Sprintf(`{
		"RequestId": %q, "ImageId": "m-1", "PageNumber": 1, "PageSize": 10, "TotalCount": 1,
		"Accounts": {"Account": [{"AliyunUid": "5100"}]}
	}`, c.History()[0].RequestID)))
	var result sharesResult
	ask("PageSize", "100").into(t, &result)
	g.Expect(result.Accounts.Account).To(HaveLen(100))
	ask("PageSize", "100", "PageNumber", "2").into(t, &result)
	g.Expect(result.Accounts.Account).To(Equal([]shareRow{{"5100"}}))
	g.Expect(ask("PageSize", "101").code()).To(Equal("InvalidParameter.PageSize"))
	g.Expect(ask("AliyunId", "x").code()).To(Equal("InvalidParameter.AliyunId"))
	g.Expect(ask("ImageId", "m-2").code()).To(Equal("InvalidParameter.ImageId"))
	g.Expect(ask("ImageId", "").code()).To(Equal("MissingParameter"))
}
