// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
)

// Names of the files of a Secret, which are those of Kubernetes' own types of Secrets.
const (
	fileCA       = "ca.crt"
	fileCert     = "tls.crt"
	fileKey      = "tls.key"
	fileUser     = "username"
	filePassword = "password"
	fileBearer   = "bearerToken"

	// filePrefix and the name of a header, whose value is in the file.
	filePrefix = "header-"

	// generation is the link by which the kubelet replaces all files of a volume at once.
	generation = "..data"
)

// maxCredential is how large a file of a Secret may be.
const maxCredential = 256 << 10

var errNotThere = errors.New("its Secret is not there")

// readFiles returns the files of a mounted Secret that the operator knows, all of the same version of it.
func readFiles(dir string) (map[string]string, error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNotThere
	}
	if err != nil {
		return nil, errors.New("its Secret cannot be read")
	}
	defer func() { _ = root.Close() }()
	for range 3 {
		before, _ := root.Readlink(generation) // There is none but in a volume of Kubernetes.
		files, err := readRoot(root)
		if after, _ := root.Readlink(generation); err == nil && after == before {
			return files, nil
		}
	}
	return nil, errors.New("its Secret cannot be read")
}

func readRoot(root *os.Root) (map[string]string, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, entry := range entries {
		name := entry.Name()
		if !known(name) {
			continue
		}
		info, err := root.Stat(name)
		if err != nil {
			return nil, err
		}
		if info.Size() > maxCredential {
			return nil, fmt.Errorf("%s is too large", name)
		}
		text, err := root.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files[name] = string(text)
	}
	return files, nil
}

func known(name string) bool {
	return slices.Contains([]string{fileCA, fileCert, fileKey, fileUser, filePassword, fileBearer}, name) || strings.HasPrefix(name, filePrefix)
}

// login is what the files of a Secret come to.
type login struct {
	roots  *x509.CertPool
	cert   *tls.Certificate
	header http.Header
}

// newLogin reads the files of a Secret. Its errors name files, and nothing that is in them.
func newLogin(files map[string]string) (login, error) {
	out := login{header: http.Header{}}
	if len(files) == 0 {
		return out, errNotThere
	}
	if ca, found := files[fileCA]; found {
		out.roots = x509.NewCertPool()
		if !out.roots.AppendCertsFromPEM([]byte(ca)) {
			return out, errors.New(fileCA + " of its Secret has no certificate")
		}
	}
	if _, found := files[fileCert]; found || files[fileKey] != "" {
		pair, err := tls.X509KeyPair([]byte(files[fileCert]), []byte(files[fileKey]))
		if err != nil {
			return out, fmt.Errorf("%s and %s of its Secret do not belong together", fileCert, fileKey)
		}
		out.cert = &pair
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header, found := strings.CutPrefix(name, filePrefix)
		if !found {
			continue
		}
		value := line(files[name])
		if err := validateHeader(header, value); err != nil {
			return out, fmt.Errorf("%s of its Secret %w", name, err)
		}
		out.header.Set(header, value)
	}
	return out, out.authorize(files)
}

// authorize sets the one header by which the operator says who it is.
func (l *login) authorize(files map[string]string) error {
	_, user := files[fileUser]
	_, password := files[filePassword]
	token, bearer := files[fileBearer]
	_, header := l.header["Authorization"]
	switch {
	case (user || password) && bearer, header && (user || password || bearer):
		return fmt.Errorf("its Secret has more than one of %s, %s and %sAuthorization", fileUser, fileBearer, filePrefix)
	case user != password:
		return fmt.Errorf("its Secret needs both %s and %s", fileUser, filePassword)
	case bearer:
		if err := validateHeader("Authorization", line(token)); err != nil {
			return fmt.Errorf("%s of its Secret %w", fileBearer, err)
		}
		l.header.Set("Authorization", "Bearer "+line(token))
	case user:
		request := http.Request{Header: l.header}
		request.SetBasicAuth(line(files[fileUser]), line(files[filePassword]))
	}
	return nil
}

// line returns what is in a file without the end of its last line, which editors add.
func line(text string) string { return strings.TrimRight(text, "\r\n") }
