// Reads a ledger with golang.org/x/mod/sumdb: what signed its checkpoints, what its root is, and a proof for every leaf
// and between every two checkpoints that follow one another. It knows nothing of the gateway.
//
// Usage: go run . VKEY FOLDER
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run . VKEY FOLDER")
		os.Exit(2)
	}
	said, err := verify(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(said)
}

func verify(vkey, folder string) (string, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", err
	}
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return "", err
	}
	head, err := openCheckpoint(signed, verifier)
	if err != nil {
		return "", err
	}
	hashes := tlog.TileHashReader(head, tiles(folder))
	if head.N > 0 {
		root, err := tlog.TreeHash(head.N, hashes)
		if err != nil {
			return "", err
		}
		if root != head.Hash {
			return "", fmt.Errorf("root %v is not the signed %v", root, head.Hash)
		}
	}
	if err := checkLeaves(folder, head, hashes); err != nil {
		return "", err
	}
	checkpoints, err := checkHistory(folder, verifier, head, hashes)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d leaves, %d checkpoints", head.N, checkpoints), nil
}

// openCheckpoint reads a C2SP tlog-checkpoint. (tlog.ParseTree reads the older form of the Go checksum database.)
func openCheckpoint(signed []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, fmt.Errorf("a checkpoint of %d lines, of %q", len(lines)-1, lines[0])
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("a root %q", lines[2])
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, nil
}

// tiles is the root folder of a log with tiles at C2SP tlog-tiles paths.
type tiles string

func (t tiles) Height() int { return height }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(wanted))
	for i, tile := range wanted {
		// tlog names the height of the tiles in their paths, C2SP tlog-tiles does not.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		bytes, err := os.ReadFile(filepath.Join(string(t), path))
		if err != nil {
			return nil, err
		}
		data[i] = bytes
	}
	return data, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func checkLeaves(folder string, head tlog.Tree, hashes tlog.HashReader) error {
	for first := int64(0); first < head.N; first += 1 << height {
		width := int(min(head.N-first, 1<<height))
		tile := tlog.Tile{H: height, L: -1, N: first >> height, W: width}
		path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
		bundle, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil {
			return err
		}
		for i := range int64(width) {
			leaf, rest, err := cut(bundle)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			bundle = rest
			proof, err := tlog.ProveRecord(head.N, first+i, hashes)
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(proof, head.N, head.Hash, first+i, tlog.RecordHash(leaf)); err != nil {
				return fmt.Errorf("leaf %d: %w", first+i, err)
			}
		}
		if len(bundle) > 0 {
			return fmt.Errorf("%s: %d bytes too many", path, len(bundle))
		}
	}
	return nil
}

// cut returns the first entry of a bundle and what follows it.
func cut(bundle []byte) (leaf, rest []byte, err error) {
	if len(bundle) < 2 {
		return nil, nil, errors.New("cut off")
	}
	end := 2 + int(binary.BigEndian.Uint16(bundle))
	if len(bundle) < end {
		return nil, nil, errors.New("cut off")
	}
	return bundle[2:end], bundle[end:], nil
}

// checkHistory proves each checkpoint of the history to be part of the head.
func checkHistory(folder string, verifier note.Verifier, head tlog.Tree, hashes tlog.HashReader) (int, error) {
	history, err := os.ReadFile(filepath.Join(folder, "checkpoints"))
	if err != nil {
		return 0, err
	}
	parts := bytes.Split(history, []byte("\n\n"))
	if len(parts)%2 != 1 || len(parts[len(parts)-1]) != 0 {
		return 0, errors.New("a history that is not one note after the other")
	}
	count := len(parts) / 2
	for i := range count {
		tree, err := openCheckpoint(fmt.Appendf(nil, "%s\n\n%s\n", parts[2*i], parts[2*i+1]), verifier)
		if err != nil {
			return 0, err
		}
		if tree.N == 0 {
			continue
		}
		proof, err := tlog.ProveTree(head.N, tree.N, hashes)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckTree(proof, head.N, head.Hash, tree.N, tree.Hash); err != nil {
			return 0, fmt.Errorf("checkpoint of size %d: %w", tree.N, err)
		}
	}
	return count, nil
}
