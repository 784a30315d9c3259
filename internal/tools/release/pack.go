package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"time"
)

// A file is one to be published.
type file struct {
	name string // with slashes
	mode fs.FileMode
	data []byte
}

// pack returns an archive of files in a folder called stem, in their order: a zip file, or a compressed tar file. All are of
// one time, and nobody's in particular.
func pack(stem string, zipped bool, files []file, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	if zipped {
		w := zip.NewWriter(&out)
		for _, f := range files {
			h := &zip.FileHeader{Name: stem + "/" + f.name, Method: zip.Deflate, Modified: at}
			h.SetMode(f.mode)
			part, err := w.CreateHeader(h)
			if err != nil {
				return nil, err
			}
			if _, err := part.Write(f.data); err != nil {
				return nil, err
			}
		}
		err := w.Close()
		return out.Bytes(), err
	}
	w := tar.NewWriter(&out)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: stem + "/" + f.name, Mode: int64(f.mode), Size: int64(len(f.data)), ModTime: at, Uname: "root", Gname: "root", Format: tar.FormatUSTAR}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	packed, e := compress(out.Bytes())
	return packed, errors.Join(err, e)
}
