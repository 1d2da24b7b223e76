package web_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// apiDocument is openapi.json as a client would read it.
var apiDocument = sync.OnceValues(func() (*openapi3.T, error) {
	b, err := os.ReadFile("openapi.json")
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(b)
})

func document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := apiDocument()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestDocumentIsValid(t *testing.T) {
	doc := document(t)
	if !doc.IsOpenAPI31OrLater() {
		t.Errorf("version %s", doc.OpenAPI)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	c := openCourt(t)
	if resp, body := c.do("GET", "/api/v1/openapi.json", ""); resp.StatusCode != 200 || !strings.Contains(body, doc.Info.Title) {
		t.Errorf("%d %.80s", resp.StatusCode, body)
	}
}

// Every route under /api is described, and what is described is there.
func TestDocumentAndRoutesAgree(t *testing.T) {
	described := map[string]bool{}
	for path, item := range document(t).Paths.Map() {
		for method, op := range item.Operations() {
			paths := []string{path}
			for _, p := range op.Parameters {
				if p.Value.In == "path" && p.Value.Schema.Value.Enum != nil {
					paths = nil
					for _, v := range p.Value.Schema.Value.Enum {
						paths = append(paths, strings.ReplaceAll(path, "{"+p.Value.Name+"}", v.(string)))
					}
				}
			}
			for _, p := range paths {
				described[method+" "+p] = true
			}
		}
	}
	registered := 0
	for _, r := range openCourt(t).server.Routes() {
		if _, path, _ := strings.Cut(r, " "); !strings.HasPrefix(path, "/api/") {
			continue
		}
		registered++
		if !described[r] {
			t.Errorf("%s is not described", r)
		}
		delete(described, r)
	}
	for r := range described {
		t.Errorf("%s is described and not there", r)
	}
	if registered == 0 {
		t.Error("no routes under /api")
	}
}

// conforms holds an answer to the document: its status is described for its
// operation, and its body has the described form. Every request that a test
// sends with court.do passes it.
func conforms(t *testing.T, method, path string, resp *http.Response, body string) {
	t.Helper()
	path, _, _ = strings.Cut(path, "?")
	if !strings.HasPrefix(path, "/api/") || method == "HEAD" {
		return
	}
	doc := document(t)
	item := described(doc, path)
	var op *openapi3.Operation
	if item != nil {
		op = item.GetOperation(method)
	}
	if op == nil {
		if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s %s is not described, and answered with %d", method, path, resp.StatusCode)
		}
		fits(t, "Problem", body)
		return
	}
	answer := op.Responses.Value(strconv.Itoa(resp.StatusCode))
	if answer == nil {
		t.Errorf("%s %s: status %d is not described: %s", method, path, resp.StatusCode, body)
		return
	}
	for name := range answer.Value.Headers {
		if resp.Header.Get(name) == "" {
			t.Errorf("%s %s: no %s", method, path, name)
		}
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	media := answer.Value.Content.Get(kind)
	if media == nil {
		t.Errorf("%s %s: %d as %q is not described", method, path, resp.StatusCode, kind)
		return
	}
	if strings.HasSuffix(kind, "json") && media.Schema != nil {
		matches(t, method+" "+path, media.Schema.Value, body)
	}
}

// described finds the path of the document that an address belongs to, the most
// literal first.
func described(doc *openapi3.T, path string) *openapi3.PathItem {
	paths := doc.Paths.InMatchingOrder()
	slices.SortStableFunc(paths, func(a, b string) int { return strings.Count(a, "{") - strings.Count(b, "{") })
	for _, p := range paths {
		pattern := regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(p), `[^/]+`)
		if regexp.MustCompile("^" + pattern + "$").MatchString(path) {
			return doc.Paths.Value(p)
		}
	}
	return nil
}

// fits holds JSON to a schema of the document by its name.
func fits(t *testing.T, schema, body string) {
	t.Helper()
	ref := document(t).Components.Schemas[schema]
	if ref == nil {
		t.Fatalf("no schema %s", schema)
	}
	matches(t, schema, ref.Value, body)
}

func matches(t *testing.T, what string, schema *openapi3.Schema, body string) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Errorf("%s: %v in %s", what, err, body)
		return
	}
	if err := schema.VisitJSON(v, openapi3.MultiErrors(), openapi3.VisitAsResponse()); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}
