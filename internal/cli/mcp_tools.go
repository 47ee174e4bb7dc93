// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

const (
	// defaultWait and maxWait are how long a call of wait lasts: assistants give up on what takes longer.
	defaultWait = 30 * time.Second
	maxWait     = 5 * time.Minute
)

// place is where a tool looks.
type place struct {
	Namespace string `json:"namespace,omitempty" jsonschema:"Kubernetes namespace; without it that of the kubeconfig's context"`
}

func (p place) args() []string {
	if p.Namespace == "" {
		return nil
	}
	return []string{"--namespace=" + p.Namespace}
}

type treeInput struct {
	place
	Names         []string `json:"names,omitempty" jsonschema:"names of ValuesTriggers, or configmap/NAME, secret/NAME (what would an edit touch?), helmrelease/NAME (what does it depend on?); without any, all ValuesTriggers"`
	AllNamespaces bool     `json:"allNamespaces,omitempty" jsonschema:"look at the ValuesTriggers of all namespaces"`
}

type whyInput struct {
	place
	HelmRelease string `json:"helmRelease,omitempty" jsonschema:"name of a HelmRelease, for why it has its revisions"`
	ConfigMap   string `json:"configMap,omitempty" jsonschema:"name of a ConfigMap, for what its last edit has caused"`
	Secret      string `json:"secret,omitempty" jsonschema:"name of a Secret, for what its last edit has caused"`
}

type historyInput struct {
	place
	Names         []string `json:"names,omitempty" jsonschema:"names of ValuesTriggers; without any, all"`
	HelmRelease   string   `json:"helmRelease,omitempty" jsonschema:"name of a HelmRelease, for what that one got"`
	Since         string   `json:"since,omitempty" jsonschema:"only what is not older, such as 90m, 24h or 7d"`
	AllNamespaces bool     `json:"allNamespaces,omitempty" jsonschema:"look at all namespaces"`
}

type previewInput struct {
	place
	Manifest string `json:"manifest,omitempty" jsonschema:"YAML of edited ConfigMaps, Secrets and HelmReleases, for what applying them would do"`
	Pending  string `json:"pending,omitempty" jsonschema:"name of a ValuesTrigger, for what it has not delivered yet"`
	Delete   string `json:"delete,omitempty" jsonschema:"configmap/NAME or secret/NAME, for what its deletion would do"`
}

type simulateInput struct {
	place
	Name     string `json:"name,omitempty" jsonschema:"name of a ValuesTrigger of the cluster"`
	Manifest string `json:"manifest,omitempty" jsonschema:"YAML of a ValuesTrigger, in the place of a name"`
	Releases []int  `json:"releases,omitempty" jsonschema:"number of HelmReleases in each stage, in the place of those of the cluster"`
	Median   string `json:"median,omitempty" jsonschema:"what half of the upgrades take at most, such as 30s"`
	Slow     string `json:"slow,omitempty" jsonschema:"what all but the slowest 5 percent take at most, such as 2m"`
	Approval string `json:"approval,omitempty" jsonschema:"time until a person approves a stage, such as 1h"`

	FalsePositives []float64 `json:"falsePositives,omitempty" jsonschema:"percentage of the measurements of a good change that fail, one for all stages or one for each"`
	Detects        []float64 `json:"detects,omitempty" jsonschema:"percentage of the measurements of a harmful change that fail, one for all stages or one for each"`
}

type waitInput struct {
	place
	Names   []string `json:"names,omitempty" jsonschema:"names of ValuesTriggers, or configmap/NAME, secret/NAME, helmrelease/NAME; without any, all of the namespace"`
	Seconds int      `json:"seconds,omitempty" jsonschema:"how long to wait, 30 by default, 300 at most"`
}

// toolAnswer is what each tool answers.
type toolAnswer struct {
	Good     bool     `json:"good" jsonschema:"false if the answer is a bad one: something has failed or has not arrived"`
	Answer   any      `json:"answer" jsonschema:"what the command writes with -o json"`
	Cut      []string `json:"cut,omitempty" jsonschema:"lists that are shown in part, with what is shown of how many; ask for a name to see more"`
	Warnings []string `json:"warnings,omitempty" jsonschema:"what was left out, and why"`
}

// addTools adds a tool for each command that there is.
func addTools(server *mcp.Server, r *runner, has func(command string) bool) {
	addTool(server, r, has, "tree", "What depends on what, and how far each delivery got: stages, states, what a person must do. Or what an edit of a ConfigMap or Secret would touch.",
		func(in treeInput) (toolCall, error) {
			args := in.args()
			if in.AllNamespaces {
				args = append(args, "--all-namespaces")
			}
			return toolCall{args: args, names: in.Names}, nil
		})
	addTool(server, r, has, "why", "Why a HelmRelease has its recent revisions: which object, which keys, whose edit; and what it waits for. Or what the last edit of a ConfigMap or Secret has caused.",
		whyCall)
	addTool(server, r, has, "history", "What changed when, by whom, who approved, how it ended, and which HelmReleases got it.",
		func(in historyInput) (toolCall, error) {
			args := in.args()
			if in.AllNamespaces {
				args = append(args, "--all-namespaces")
			}
			args = appendFlag(appendFlag(args, "release", in.HelmRelease), "since", in.Since)
			return toolCall{args: args, names: in.Names}, nil
		})
	addTool(server, r, has, "preview", "Which HelmReleases would change, and how their values, if a manifest were applied or an object was deleted; or what a ValuesTrigger has not delivered yet. Secrets are masked.",
		previewCall)
	addTool(server, r, has, "simulate", "How long a rollout would take, and what a bad change would hit.", simulateCall)
	addTool(server, r, has, "wait", "Whether the present content has arrived everywhere, after waiting for it for a while. Does not request a reconciliation.",
		func(in waitInput) (toolCall, error) {
			seconds := time.Duration(in.Seconds) * time.Second
			if in.Seconds <= 0 {
				seconds = defaultWait
			}
			return toolCall{args: append(in.args(), "--timeout="+min(seconds, maxWait).String()), names: in.Names}, nil
		})
}

func whyCall(in whyInput) (toolCall, error) {
	var names []string
	for _, one := range []struct{ kind, name string }{{"", in.HelmRelease}, {"configmap/", in.ConfigMap}, {"secret/", in.Secret}} {
		if one.name != "" {
			names = append(names, one.kind+one.name)
		}
	}
	if len(names) != 1 {
		return toolCall{}, errors.New("give one of helmRelease, configMap and secret")
	}
	return toolCall{args: in.args(), names: names}, nil
}

func previewCall(in previewInput) (toolCall, error) {
	var calls []toolCall
	if in.Manifest != "" {
		calls = append(calls, toolCall{args: append(in.args(), "--filename=-"), in: in.Manifest})
	}
	if in.Pending != "" {
		calls = append(calls, toolCall{args: append(in.args(), "--pending"), names: []string{in.Pending}})
	}
	if in.Delete != "" {
		calls = append(calls, toolCall{args: append(in.args(), "--delete="+in.Delete)})
	}
	if len(calls) != 1 {
		return toolCall{}, errors.New("give one of manifest, pending and delete")
	}
	return calls[0], nil
}

func simulateCall(in simulateInput) (toolCall, error) {
	args := in.args()
	for name, value := range map[string]string{"median": in.Median, "slow": in.Slow, "approval": in.Approval} {
		args = appendFlag(args, name, value)
	}
	args = appendList(args, "releases", in.Releases)
	args = appendList(args, "false-positives", in.FalsePositives)
	args = appendList(args, "detects", in.Detects)
	switch {
	case (in.Manifest == "") == (in.Name == ""):
		return toolCall{}, errors.New("give either manifest or name")
	case in.Name != "":
		return toolCall{args: args, names: []string{in.Name}}, nil
	}
	return toolCall{args: append(args, "--filename=-"), in: in.Manifest}, nil
}

func appendList[T any](args []string, name string, values []T) []string {
	if len(values) == 0 {
		return args
	}
	return append(args, "--"+name+"="+strings.Trim(strings.ReplaceAll(fmt.Sprint(values), " ", ","), "[]"))
}

func appendFlag(args []string, name, value string) []string {
	if value == "" {
		return args
	}
	return append(args, "--"+name+"="+value)
}

// addTool adds a tool, if its command is there.
func addTool[In any](server *mcp.Server, r *runner, has func(string) bool, command, about string, of func(In) (toolCall, error)) {
	if !has(command) {
		return
	}
	closed := false
	tool := &mcp.Tool{Name: command, Description: about, Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: &closed}}
	mcp.AddTool(server, tool, func(ctx context.Context, _ *mcp.CallToolRequest, in In) (*mcp.CallToolResult, toolAnswer, error) {
		one, err := of(in)
		if err != nil {
			return nil, toolAnswer{}, err
		}
		answer, err := r.run(ctx, command, one)
		if err != nil {
			return nil, answer, err
		}
		shown, err := text.JSON(answer, "")
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(shown)}}}, answer, err
	})
}

// toolCall is a run of a command.
type toolCall struct {
	args []string

	// names are its arguments. They come last, so that none is taken for a flag.
	names []string

	// in is its standard input.
	in string
}

// runner runs commands of the plugin for their answers.
type runner struct {
	env   Env
	flags []string
}

// run returns what a command answers with -o json.
func (r *runner) run(ctx context.Context, command string, c toolCall) (toolAnswer, error) {
	var out, errs bytes.Buffer
	env := r.env
	env.In, env.Out, env.Err = strings.NewReader(c.in), &out, &errs
	args := append(append(append([]string{command, "--output=json"}, r.flags...), c.args...), "--")
	code := Run(ctx, append(args, c.names...), env)
	notes := strings.TrimSpace(errs.String())
	if ctx.Err() != nil {
		return toolAnswer{}, ctx.Err()
	}
	if out.Len() == 0 || !json.Valid(out.Bytes()) {
		return toolAnswer{}, errors.New(strings.TrimPrefix(clean(notes), "error: "))
	}
	answer := toolAnswer{Good: code == exitOK}
	if notes != "" {
		for line := range strings.SplitSeq(notes, "\n") {
			answer.Warnings = append(answer.Warnings, clean(strings.TrimPrefix(line, "warning: ")))
		}
	}
	var err error
	answer.Answer, answer.Cut, err = bounded(out.Bytes())
	return answer, err
}
