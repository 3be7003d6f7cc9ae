// SPDX-License-Identifier: Apache-2.0

package apivalidation

import (
	"fmt"
	"strings"
)

const celKeyword = "x-kubernetes-validations"

// rule is one reason of the CRD's schema to refuse an object. CEL rules are told apart by their messages.
type rule struct {
	path    string // of the field that the refusal names; "[]" stands for every item of a list
	keyword string
	message string
}

func bound(path, keyword string) rule { return rule{path: path, keyword: keyword} }

func cel(path, message string) rule { return rule{path: path, keyword: celKeyword, message: message} }

func (r rule) String() string { return strings.TrimSpace(r.path + " " + r.keyword + " " + r.message) }

// rulesOf returns the rules of a schema and of everything below it. A keyword that it does not know is an error,
// because such a keyword may refuse objects too.
func rulesOf(schema map[string]any, path string) ([]rule, error) {
	var rules []rule
	for keyword := range schema {
		own, err := rulesOfKeyword(schema, path, keyword)
		if err != nil {
			return nil, err
		}
		rules = append(rules, own...)
	}
	for childPath, childSchema := range schemasBelow(schema, path) {
		below, err := rulesOf(childSchema, childPath)
		if err != nil {
			return nil, err
		}
		rules = append(rules, below...)
	}
	return rules, nil
}

func rulesOfKeyword(schema map[string]any, path, keyword string) ([]rule, error) {
	var rules []rule
	value := schema[keyword]
	refuses := true
	switch keyword {
	case celKeyword:
		for _, item := range value.([]any) {
			entry := item.(map[string]any)
			at, _ := entry["fieldPath"].(string)
			message, _ := entry["message"].(string)
			rules = append(rules, cel(child(path, at), message))
		}
		return rules, nil
	case "required":
		for _, name := range value.([]any) {
			rules = append(rules, bound(child(path, name.(string)), keyword))
		}
		return rules, nil
	case "enum", "maxLength", "maxItems", "minimum", "maximum", "pattern":
	case "minLength", "minItems", "minProperties":
		refuses = value != int64(0)
	case "x-kubernetes-list-type":
		refuses = value != "atomic"
	case "format":
		// Every integer of the apiserver is an int64, and any maximum here is lower than that of an int32.
		refuses = value != "int64" && schema["maximum"] == nil
	case "type", "properties", "items", "description", "default", "x-kubernetes-list-map-keys":
		refuses = false
	default:
		return nil, fmt.Errorf("keyword %q of %q: not known to this test", keyword, path)
	}
	if refuses {
		rules = append(rules, bound(path, keyword))
	}
	return rules, nil
}

// schemasBelow returns the schemas of a schema's properties and items by path.
func schemasBelow(schema map[string]any, path string) map[string]map[string]any {
	below := map[string]map[string]any{}
	if items, ok := schema["items"].(map[string]any); ok {
		below[path+"[]"] = items
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		below[child(path, name)] = property.(map[string]any)
	}
	return below
}

func child(path, name string) string { return strings.Trim(path+"."+strings.Trim(name, "."), ".") }
