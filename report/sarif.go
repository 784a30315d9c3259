package report

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"path"
	"strings"
)

// The parts of SARIF 2.1.0 that are written (OASIS Standard, 27 March 2020).
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string     `json:"id"`
		Short *sarifText `json:"shortDescription,omitempty"`
		Help  *sarifText `json:"help,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int64 `json:"startLine"`
	}
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// writeSARIF writes the findings of r: rules are categories, and the kinds of diagnostics and lines.
func writeSARIF(w io.Writer, r *Report, _ WriteOptions) error {
	return writeResults(w, r.Tool, findingRules(r), findings(r))
}

// writeCheckSARIF writes what failed: rules are gates and expectations, those that passed included. What passed has no
// result: some who read SARIF take every result for a failure.
func writeCheckSARIF(w io.Writer, c *Check, _ WriteOptions) error {
	var rules []findingRule
	for i := range c.Gates {
		rules = append(rules, findingRule{id: "gate/" + c.Gates[i].Name, short: c.Gates[i].Expr})
	}
	for i := range c.Expectations {
		rules = append(rules, findingRule{id: "expect/" + c.Expectations[i].File, short: c.Expectations[i].Kind + " as " + c.Expectations[i].File + " expects"})
	}
	return writeResults(w, c.Tool, rules, checkFindings(c))
}

func writeResults(w io.Writer, tool Tool, rules []findingRule, found []finding) error {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: tool.Name, Version: tool.Version, Rules: []sarifRule{}}}, Results: []sarifResult{}}
	index := make(map[string]int)
	for _, r := range rules {
		if _, ok := index[r.id]; ok { // two gates may be called alike
			continue
		}
		index[r.id] = len(run.Tool.Driver.Rules)
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{Visible(r.id), sarifTextOf(r.short), sarifTextOf(r.help)})
	}
	for i := range found[:min(len(found), mostFindings)] {
		f := &found[i]
		at, ok := index[f.rule]
		if !ok {
			at = len(run.Tool.Driver.Rules)
			index[f.rule] = at
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{ID: Visible(f.rule)})
		}
		sum := sha256.Sum256([]byte(f.rule + "\x00" + f.id))
		res := sarifResult{RuleID: Visible(f.rule), RuleIndex: at, Level: f.level, Message: sarifText{f.message()},
			Fingerprints: map[string]string{"bouncelog/v1": hex.EncodeToString(sum[:16])}}
		if f.file != "" {
			p := sarifPhysical{Artifact: sarifArtifact{fileURI(f.file)}}
			if f.line > 0 {
				p.Region = &sarifRegion{f.line}
			}
			res.Locations = []sarifLocation{{p}}
		}
		run.Results = append(run.Results, res)
	}
	return writeIndented(w, sarifLog{sarifSchema, "2.1.0", []sarifRun{run}})
}

func sarifTextOf(s string) *sarifText {
	if s == "" {
		return nil
	}
	return &sarifText{Visible(s)}
}

// fileURI returns a reference to a file (RFC 3986): an absolute one for an absolute path, else a relative one.
func fileURI(name string) string {
	name = path.Clean(strings.ToValidUTF8(name, "\uFFFD"))
	u := url.URL{Path: name}
	if path.IsAbs(name) {
		u.Scheme = "file"
	}
	return u.String()
}
