#!/bin/sh
# Remakes cases.json next to this script: what moby's sys/user package answers for texts of USER over files passwd and group (go and the Go module proxy; made with v0.4.0).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/go.mod" <<'GO'
module accounts
go 1.21
require github.com/moby/sys/user v0.4.0
GO
cat >"$work/main.go" <<'GO'
package main

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/moby/sys/user"
)

type answer struct {
	UID uint32 `json:"uid"`
	GID uint32 `json:"gid"`
}

type file struct {
	Passwd  *string            `json:"passwd"`
	Group   *string            `json:"group"`
	Answers map[string]*answer `json:"answers"`
}

func text(value string) *string { return &value }

func main() {
	specs := []string{
		"", "root", "0", "0:0", "+0", "00", "-0", ":0", ":", "app", "app:", "app:wheel", "app:10", "app:nobody", "10001", "10001:wheel", "7", "7:7", "toor", "nobody",
		"65532", "65532:65532", "-1", "2147483647", "2147483648", "4294967295", "4294967296", "99999999999999999999", "-99999999999999999999", "0x0", "1_000", " 0", "0 ",
		"big", "huge", "minus", "words", "short", "#note", "shell", "dup", "app:4294967296", "app:big", "root:wheel:x", "App", "größe",
	}
	files := []file{
		{Passwd: text("root:x:0:0:root:/root:/bin/sh\napp:x:10001:10002:::\n7:x:8:9:::\ntoor:x:0:5:::\ngrö\u00dfe:x:33:33:::\n"), Group: text("root:x:0:\nwheel:x:10:app\n7:x:70:\n")},
		{Passwd: text("app:x:10001:10001::/:/bin/sh\n"), Group: nil},
		{Passwd: nil, Group: nil},
		{Passwd: text(""), Group: text("")},
		{Passwd: text("words:x:none:none:::\nbig:x:4294967296:4294967297:::\nhuge:x:99999999999999999999:1:::\nminus:x:-1:-1:::\nshort\n#note:x:0:0:::\n  app:x:+5:05:::  \r\n\n" +
			"dup:x:1:1:::\ndup:x:2:2:::\nshell:x:3:3:::/bin/sh\n:x:4:4:::\nroot:x:1:1:::\n"), Group: text("#wheel:x:1:\n  wheel:x:11:\nbig:x:4294967296:\nroot:x:none:\n")},
	}
	for index := range files {
		current := &files[index]
		current.Answers = map[string]*answer{}
		for _, spec := range specs {
			var result *user.ExecUser
			var err error
			switch {
			case current.Passwd == nil:
				result, err = user.GetExecUser(spec, nil, nil, nil)
			case current.Group == nil:
				result, err = user.GetExecUser(spec, nil, strings.NewReader(*current.Passwd), nil)
			default:
				result, err = user.GetExecUser(spec, nil, strings.NewReader(*current.Passwd), strings.NewReader(*current.Group))
			}
			current.Answers[spec] = nil
			if err == nil {
				// The engines hand the low 32 bits to the kernel.
				current.Answers[spec] = &answer{uint32(result.Uid), uint32(result.Gid)}
			}
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(files); err != nil {
		panic(err)
	}
}
GO
(cd "$work" && go mod tidy && go run .) >"$here/cases.json"
