package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

//go:embed ui
var ui embed.FS

// page is the bundled page. It does not change after buildPage.
type page struct {
	html   []byte
	files  map[string][]byte // by name under /assets, the content's hash in each
	script string            // name of the one with the program: another for every version
}

// buildPage bundles ui/main.ts and what it imports, so that nothing generated
// is kept beside the source. It takes some milliseconds.
func buildPage() (*page, error) {
	result := api.Build(api.BuildOptions{
		EntryPoints:       []string{"main.ts", "icon.svg"},
		EntryNames:        "[name]-[hash]",
		AssetNames:        "[name]-[hash]",
		Outdir:            "/",
		AbsWorkingDir:     "/",
		Bundle:            true,
		Format:            api.FormatESModule,
		Charset:           api.CharsetUTF8,
		Target:            api.ES2020, // browsers of UOS and Kylin are some years old
		Engines:           []api.Engine{{Name: api.EngineChrome, Version: "90"}, {Name: api.EngineFirefox, Version: "90"}},
		MinifyWhitespace:  true,
		MinifySyntax:      true,
		MinifyIdentifiers: true,
		Loader:            map[string]api.Loader{".svg": api.LoaderCopy},
		Plugins:           []api.Plugin{embedded()},
	})
	if len(result.Errors) > 0 {
		return nil, buildErrors(result.Errors)
	}
	p := &page{files: make(map[string][]byte)}
	named := make(map[string]string) // by extension
	for _, f := range result.OutputFiles {
		name := path.Base(f.Path)
		p.files[name] = f.Contents
		named[path.Ext(name)] = name
	}
	html, err := ui.ReadFile("ui/index.html")
	if err != nil {
		return nil, err
	}
	for _, ext := range []string{".js", ".css", ".svg"} {
		place := []byte("/assets/main" + ext)
		if !bytes.Contains(html, place) || named[ext] == "" {
			return nil, fmt.Errorf("index.html and the bundle do not meet at %s", place)
		}
		html = bytes.ReplaceAll(html, place, []byte("/assets/"+named[ext]))
	}
	p.html, p.script = html, named[".js"]
	return p, nil
}

// assetTypes do not depend on what the machine believes of its files.
var assetTypes = map[string]string{
	".js":  "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
}

// embedded lets the bundler read from the program instead of a disk.
func embedded() api.Plugin {
	return api.Plugin{Name: "embedded", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			name := path.Clean(strings.TrimPrefix(a.Path, "./"))
			if path.Ext(name) == "" {
				name += ".ts"
			}
			return api.OnResolveResult{Path: name, Namespace: "ui"}, nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: "ui"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			source, err := fs.ReadFile(ui, path.Join("ui", a.Path))
			if err != nil {
				return api.OnLoadResult{}, err
			}
			content := string(source)
			loader := api.LoaderTS
			switch path.Ext(a.Path) {
			case ".css":
				loader = api.LoaderCSS
			case ".json":
				loader = api.LoaderJSON
			case ".svg":
				loader = api.LoaderCopy
			}
			return api.OnLoadResult{Contents: &content, Loader: loader}, nil
		})
	}}
}

func buildErrors(messages []api.Message) error {
	var errs []error
	for _, m := range messages {
		if m.Location != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %s", m.Location.File, m.Location.Line, m.Text))
		} else {
			errs = append(errs, errors.New(m.Text))
		}
	}
	return errors.Join(errs...)
}

func (s *Server) getPage(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Length", strconv.Itoa(len(s.page.html)))
	_, _ = w.Write(s.page.html)
	return nil
}

func (s *Server) getAsset(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	content, ok := s.page.files[name]
	if !ok {
		return &apiError{code: notFound, detail: text{"没有这个文件，请刷新页面。", "there is no such file; reload the page."}}
	}
	w.Header().Set("Content-Type", assetTypes[path.Ext(name)])
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content)
	return nil
}
