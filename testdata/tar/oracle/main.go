// The oracle of tests/tar_differential.rs: what Go's archive/tar, with which Docker and containerd unpack, makes of archives.
//
// It reads every *.tar file of the folder given and prints one JSON object a line: one for every entry whose content could be read to its end, then one with
// "end" that says how the archive ended. Names are hexadecimal, since they need not be UTF-8. It uses Go's standard library only.
package main

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// How much of a file is read; a sparse file may claim exabytes of zeros. The test hashes as much.
const contentLimit = 64 << 20

type entry struct {
	Archive    string `json:"archive"`
	Name       string `json:"name"`
	Link       string `json:"link"`
	Type       byte   `json:"type"`
	Size       int64  `json:"size"`
	Mode       int64  `json:"mode"`
	UID        uint32 `json:"uid"`
	GID        uint32 `json:"gid"`
	Capability string `json:"capability"`
	SHA256     string `json:"sha256"`
}

type end struct {
	Archive string `json:"archive"`
	End     string `json:"end"`
}

// owner is what the kernel makes of an identifier given to chown: 32 bits, and -1 leaves the owner, the engine (0), as it is.
func owner(id int) uint32 {
	if uint32(id) == 0xffffffff {
		return 0
	}
	return uint32(id)
}

// unpacked says whether engines unpack the type. Contiguous and old GNU sparse files they do not, but imgguard reads them.
func unpacked(typeflag byte) bool {
	return typeflag >= '0' && typeflag <= '7' || typeflag == tar.TypeGNUSparse
}

func read(path string, out *json.Encoder) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	name := filepath.Base(path)
	// Not a Seeker, as in the engines: seeking would hide that content is cut.
	reader := tar.NewReader(bufio.NewReader(file))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return "ok", nil
		}
		if err != nil {
			return err.Error(), nil
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if !unpacked(header.Typeflag) {
			return "unhandled type", nil
		}
		hash := sha256.New()
		if _, err := io.CopyN(hash, reader, contentLimit); err != nil && !errors.Is(err, io.EOF) {
			return err.Error(), nil
		}
		line := entry{
			Archive: name, Name: hex.EncodeToString([]byte(header.Name)), Type: header.Typeflag,
			Mode: header.Mode & 0o7777, UID: owner(header.Uid), GID: owner(header.Gid),
			Capability: hex.EncodeToString([]byte(header.PAXRecords["SCHILY.xattr.security.capability"])),
			SHA256:     hex.EncodeToString(hash.Sum(nil)),
		}
		switch header.Typeflag {
		case tar.TypeLink, tar.TypeSymlink:
			line.Link = hex.EncodeToString([]byte(header.Linkname))
		case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
			line.Size = header.Size
		}
		if err := out.Encode(line); err != nil {
			return "", err
		}
	}
}

func run(folder string) error {
	paths, err := filepath.Glob(filepath.Join(folder, "*.tar"))
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(os.Stdout)
	out := json.NewEncoder(buffered)
	for _, path := range paths {
		outcome, err := read(path, out)
		if err != nil {
			return err
		}
		if err := out.Encode(end{Archive: filepath.Base(path), End: outcome}); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: oracle FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
