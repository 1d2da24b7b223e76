package transcript_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"tingji/transcript"
)

// folderOf is a proof in memory.
func folderOf(t *testing.T, p *transcript.Proof) fstest.MapFS {
	t.Helper()
	folder := fstest.MapFS{}
	if err := p.Write(t.Context(), func(path string) (io.WriteCloser, error) {
		f := &fstest.MapFile{}
		folder[path] = f
		return &mapFile{f: f}, nil
	}); err != nil {
		t.Fatal(err)
	}
	return folder
}

type mapFile struct {
	bytes.Buffer
	f *fstest.MapFile
}

func (f *mapFile) Close() error { f.f.Data = f.Bytes(); return nil }

// proven is the folder of a signed record with a correction and a revision.
func proven(t *testing.T) (*courtDay, fstest.MapFS) {
	t.Helper()
	c := heardDay(t, false)
	if _, err := c.RequestCorrection(t.Context(), c.hearing.ID, askFor(c.lines[0].ID, "开庭。"), "书记员"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DecideCorrection(t.Context(), c.hearing.ID, "1", transcript.Ruling{Outcome: transcript.Accepted}, "审判长"); err != nil {
		t.Fatal(err)
	}
	c.hearing = c.mustSign()
	p, err := c.Proof(t.Context(), c.hearing.ID)
	if err != nil {
		t.Fatal(err)
	}
	if p.Integrity != c.hearing.Signing.Integrity {
		t.Errorf("the proof gives %s, signed was %s", p.Integrity, c.hearing.Signing.Integrity)
	}
	return c, folderOf(t, p)
}

func TestVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, folder := proven(t)
		v, err := transcript.Verify(t.Context(), folder, nil)
		if err != nil {
			t.Fatal(err)
		}
		if v.Integrity != c.hearing.Signing.Integrity || v.Lines != 2 || v.Revisions != 3 || v.Corrections != 1 || v.AudioFiles != 4 || v.Sound.Microseconds() != 246*1e6/16000 {
			t.Errorf("verdict %+v", v)
		}
		if want := "audio.json audio/judge-1-1.wav audio/judge-1-2.wav audio/plaintiff-1-1.wav audio/plaintiff-1-2.wav corrections.jsonl hearing.json integrity.txt manifest.sha256 record.json revisions.jsonl"; strings.Join(slices.Sorted(maps.Keys(folder)), " ") != want {
			t.Errorf("files %v", slices.Sorted(maps.Keys(folder)))
		}
		// The same again gives the same bytes: what was signed is kept.
		p, err := c.Proof(t.Context(), c.hearing.ID)
		if err != nil {
			t.Fatal(err)
		}
		for path, f := range folderOf(t, p) {
			if !bytes.Equal(f.Data, folder[path].Data) {
				t.Errorf("%s has other bytes", path)
			}
		}
	})
}

// A record that is closed and not signed is proved as well.
func TestVerifyUnsigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := heardDay(t, true)
		p, err := c.Proof(t.Context(), c.hearing.ID)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		again, err := c.Proof(t.Context(), c.hearing.ID)
		if err != nil || again.Integrity != p.Integrity {
			t.Errorf("an hour later the proof is %+v, %v", again, err)
		}
		v, err := transcript.Verify(t.Context(), folderOf(t, p), nil)
		if err != nil || v.Hearing.Signing != nil || v.Integrity != p.Integrity || !v.Hearing.Demo {
			t.Errorf("verdict %+v, %v", v, err)
		}
	})
}

// Every change of a single byte, anywhere, is found and the file named.
func TestVerifyFindsEveryByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, folder := proven(t)
		paths := slices.Sorted(maps.Keys(folder))
		paths = slices.DeleteFunc(paths, func(p string) bool { return len(folder[p].Data) == 0 })
		const changes = 1000
		random := rand.New(rand.NewPCG(1, 2))
		for i := range changes {
			path := paths[i%len(paths)]
			data := folder[path].Data
			at := random.IntN(len(data))
			was := data[at]
			data[at] ^= byte(1 + random.IntN(255))
			_, err := transcript.Verify(t.Context(), folder, nil)
			var wrong *transcript.MismatchError
			if !errors.As(err, &wrong) || wrong.File != path {
				t.Fatalf("byte %d of %s changed from %q to %q: %v", at, path, was, data[at], err)
			}
			data[at] = was
		}
		if _, err := transcript.Verify(t.Context(), folder, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestVerifyFindsFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, folder := proven(t)
		for _, path := range slices.Sorted(maps.Keys(folder)) {
			data := folder[path].Data
			for name, change := range map[string]func() string{
				"gone":    func() string { delete(folder, path); return path },
				"cut":     func() string { folder[path] = &fstest.MapFile{Data: data[:len(data)/2]}; return path },
				"longer":  func() string { folder[path] = &fstest.MapFile{Data: append(bytes.Clone(data), '\n')}; return path },
				"empty":   func() string { folder[path] = &fstest.MapFile{}; return path },
				"doubled": func() string { folder[path+"2"] = &fstest.MapFile{Data: data}; return path + "2" },
			} {
				want := change()
				var wrong *transcript.MismatchError
				if _, err := transcript.Verify(t.Context(), folder, nil); !errors.As(err, &wrong) || wrong.File != want {
					t.Errorf("%s %s: %v", path, name, err)
				}
				delete(folder, path+"2")
				folder[path] = &fstest.MapFile{Data: data}
			}
		}
		for name, none := range map[string]fstest.MapFS{"empty": {}, "another": {"a.txt": {Data: []byte("x")}}} {
			if _, err := transcript.Verify(t.Context(), none, nil); !errors.Is(err, transcript.ErrNoProof) {
				t.Errorf("%s folder: %v", name, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := transcript.Verify(ctx, folder, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("ended: %v", err)
		}
	})
}

// Who changes a word and all hashes above it is betrayed by the chain.
func TestVerifyFindsForgery(t *testing.T) {
	for name, forge := range map[string]struct {
		path string
		old  string
		new  string
		file string // that is named
	}{
		"word in the record":   {"record.json", "请求归还借款。", "请求归还贷款。", "record.json"},
		"word in a revision":   {"revisions.jsonl", "请求归还借款。", "请求归还贷款。", "revisions.jsonl"},
		"author of a revision": {"revisions.jsonl", `"author":"审判长"`, `"author":"书记员"`, "revisions.jsonl"},
		"revision left out":    {"revisions.jsonl", `"revision":2`, `"revision":3`, "revisions.jsonl"},
		"state of the hearing": {"hearing.json", "民间借贷纠纷", "房屋买卖纠纷", "record.json"},
		"request":              {"corrections.jsonl", "当庭所述", "庭后所述", "corrections.jsonl"},
		"length of the sound":  {"audio.json", `"samples":100`, `"samples":101`, "audio/judge-1-1.wav"},
		"sound not listed":     {"audio.json", "audio/judge-1-2.wav", "audio/judge-1-3.wav", "audio/judge-1-3.wav"},
		"no JSON":              {"record.json", "{", "[", "record.json"},
		"no lines":             {"revisions.jsonl", "\n", "\nx", "revisions.jsonl"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, folder := proven(t)
				f := folder[forge.path]
				if !bytes.Contains(f.Data, []byte(forge.old)) {
					t.Fatalf("no %q in %s", forge.old, f.Data)
				}
				f.Data = bytes.ReplaceAll(f.Data, []byte(forge.old), []byte(forge.new))
				transcript.Reseal(folder)
				var wrong *transcript.MismatchError
				if _, err := transcript.Verify(t.Context(), folder, nil); !errors.As(err, &wrong) || wrong.File != forge.file {
					t.Errorf("%v, want %s named", err, forge.file)
				}
			})
		})
	}
}

// What was changed in the store behind the program's back is found before it
// leaves it.
func TestProofFindsTampering(t *testing.T) {
	for name, tamper := range map[string]func(c *courtDay) (file string){
		"line": func(c *courtDay) string {
			l := c.store.lines[c.hearing.ID][c.lines[0].ID]
			l.Text = "休庭。"
			c.store.lines[c.hearing.ID][l.ID] = l
			return "database"
		},
		"line gone": func(c *courtDay) string { delete(c.store.lines[c.hearing.ID], c.lines[1].ID); return "database" },
		"record":    func(c *courtDay) string { return c.spoil("record.json", "现在开庭", "现在闭庭") },
		"manifest":  func(c *courtDay) string { return c.spoil("manifest.sha256", "judge-1-2", "judge-1-3") },
		"sound":     func(c *courtDay) string { c.sound.step = 9; return "audio/judge-1-1.wav" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := proven(t)
				file := tamper(c)
				p, err := c.Proof(t.Context(), c.hearing.ID)
				if err == nil {
					err = p.Write(t.Context(), func(string) (io.WriteCloser, error) { return &mapFile{f: &fstest.MapFile{}}, nil })
				}
				var wrong *transcript.MismatchError
				if !errors.As(err, &wrong) || wrong.File != file {
					t.Errorf("%v, want %s named", err, file)
				}
				if name == "record" {
					if _, err := c.Record(t.Context(), c.hearing.ID); !errors.As(err, &wrong) {
						t.Errorf("the record is written nevertheless: %v", err)
					}
				}
			})
		})
	}
}

// spoil changes a file that was kept at the signing.
func (c *courtDay) spoil(path, from, to string) string {
	c.t.Helper()
	files := c.store.sealed[c.hearing.ID]
	i := slices.IndexFunc(files, func(f transcript.SealedFile) bool { return f.Path == path })
	was := files[i].Data
	if files[i].Data = bytes.Replace(was, []byte(from), []byte(to), 1); bytes.Equal(was, files[i].Data) {
		c.t.Fatalf("no %q in %s", from, path)
	}
	return path
}

// What a version of the past has exported proves itself for ever.
func TestVerifyBackcompat(t *testing.T) {
	const root = "../testdata/backcompat/proof"
	if os.Getenv("TINGJI_WRITE_BACKCOMPAT") != "" {
		synctest.Test(t, func(t *testing.T) {
			c, folder := proven(t)
			dir := filepath.Join(root, "1-"+c.hearing.Signing.Integrity[:16])
			for path, f := range folder {
				path = filepath.Join(dir, filepath.FromSlash(path))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, f.Data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	folders, err := os.ReadDir(root)
	if err != nil || len(folders) == 0 {
		t.Fatalf("no old proofs found: %v", err)
	}
	for _, f := range folders {
		v, err := transcript.Verify(t.Context(), os.DirFS(filepath.Join(root, f.Name())), nil)
		if _, value, _ := strings.Cut(f.Name(), "-"); err != nil || value == "" || !strings.HasPrefix(v.Integrity, value) || v.Lines != 2 || v.Revisions != 3 || v.Corrections != 1 {
			t.Errorf("%s: %+v, %v", f.Name(), v, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte("{}"), []byte("{}"), []byte("{}"))
	f.Add([]byte(`{"line":"a","revision":1}`), []byte(`{"v":1,"lines":[{"id":"a"}]}`), []byte(`{"v":1,"files":[{"path":"x","samples":-5}]}`))
	f.Add([]byte("null\nnull"), []byte("null"), []byte("[]"))
	f.Fuzz(func(t *testing.T, revisions, record, index []byte) {
		folder := fstest.MapFS{
			"revisions.jsonl": {Data: revisions}, "record.json": {Data: record}, "audio.json": {Data: index},
			"hearing.json": {Data: []byte("{}")}, "corrections.jsonl": {}, "audio/x": {Data: []byte("x")},
		}
		transcript.Reseal(folder)
		if v, err := transcript.Verify(t.Context(), folder, nil); err == nil && !json.Valid(record) {
			t.Errorf("%+v of %q", v, record)
		}
	})
}
