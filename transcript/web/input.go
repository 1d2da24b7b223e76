package web

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tingji/transcript"
)

const (
	maxBody     = 1 << 20 // bytes
	bodyTimeout = 30 * time.Second
)

// readJSON reads the request's body, one JSON object, into a struct. Where it
// may be absent, an empty body leaves into as it is.
func readJSON(w http.ResponseWriter, r *http.Request, into any, optional bool) error {
	// No deadline is no failure: recorded requests of tests have none.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &apiError{code: tooLarge, detail: text{"请求内容超过 1 MiB。", "the body is larger than 1 MiB."}}
	case err != nil:
		return &apiError{code: malformed, cause: err, detail: text{"请求内容没有收全。", "the body did not arrive whole."}}
	case len(body) == 0 && optional:
		return nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &apiError{code: unsupportedType, detail: text{
			"请以 Content-Type: application/json 发送。", "send it as Content-Type: application/json."}}
	}
	return decodeBody(body, into)
}

// decodeBody decodes one JSON object strictly: known fields only, each once,
// valid UTF-8, no character that would deceive a reader of the record.
func decodeBody(body []byte, into any) error {
	value := jsontext.Value(body)
	if value.Kind() != '{' {
		return &apiError{code: malformed, detail: text{"请求内容应为一个 JSON 对象。", "the body should be one JSON object."}}
	}
	if err := json.Unmarshal(body, into, json.RejectUnknownMembers(true)); err != nil {
		return jsonProblem(err)
	}
	return checkStrings(body)
}

func jsonProblem(err error) error {
	var semantic *json.SemanticError
	if !errors.As(err, &semantic) {
		return &apiError{code: malformed, cause: err, detail: text{
			"请求内容不是有效的 JSON：" + err.Error(), "the body is not valid JSON: " + err.Error()}}
	}
	field := fieldName(semantic.JSONPointer)
	if errors.Is(semantic.Err, json.ErrUnknownName) {
		zh, en := "不认识字段 "+field, "unknown field "+field
		if near := nearest(semantic.JSONPointer.LastToken(), jsonNames(semantic.GoType)); near != "" {
			zh, en = zh+"，是否要写 "+near, en+"; did you mean "+near
		}
		return &apiError{code: malformed, field: field, cause: err, detail: text{zh + "？", en + "?"}}
	}
	return &apiError{code: malformed, field: field, cause: err, detail: text{
		fmt.Sprintf("字段 %s 的类型不对，应为 %s。", field, jsonKind(semantic.GoType).zh),
		fmt.Sprintf("field %s has the wrong type: it should be %s.", field, jsonKind(semantic.GoType).en)}}
}

// checkStrings refuses control characters, which no line of a record can hold,
// and those that turn the direction of writing, which make it read other than
// it is stored. body is valid JSON.
func checkStrings(body []byte) error {
	dec := jsontext.NewDecoder(strings.NewReader(string(body)))
	for {
		token, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return jsonProblem(err)
		}
		if token.Kind() != '"' {
			continue
		}
		if err := checkText(fieldName(dec.StackPointer()), token.String()); err != nil {
			return err
		}
	}
}

// checkText returns a *transcript.FieldError for a string that must not enter
// a record.
func checkText(field, s string) error {
	for _, r := range s {
		var zh, en string
		switch {
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff:
			zh, en = "控制字符", "control character"
		case r == 0x61c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			zh, en = "改变书写方向的字符", "character that changes the direction of writing"
		default:
			continue
		}
		return &transcript.FieldError{Field: field,
			Text:   fmt.Sprintf("含有不可见的%s U+%04X，请删去。", zh, r),
			TextEN: fmt.Sprintf("contains the invisible %s U+%04X; remove it.", en, r)}
	}
	return nil
}

// fieldName turns /participants/0/role into participants[0].role.
func fieldName(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		if _, err := strconv.Atoi(token); err == nil {
			b.WriteString("[" + token + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(token)
	}
	return b.String()
}

func jsonNames(t reflect.Type) []string {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	var names []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// nearest is the known name that s was probably meant to be, or "".
func nearest(s string, known []string) string {
	best, least := "", 1+len(s)/2
	for _, name := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(s), name); d < least {
			best, least = name, d
		}
	}
	return best
}

func jsonKind(t reflect.Type) text {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == nil:
		return text{"别的类型", "another type"}
	case t == reflect.TypeFor[time.Time]():
		return text{"时间（如 2026-05-06T09:00:00+08:00）", "a time such as 2026-05-06T09:00:00+08:00"}
	}
	switch t.Kind() {
	case reflect.String:
		return text{"字符串", "a string"}
	case reflect.Bool:
		return text{"true 或 false", "true or false"}
	case reflect.Slice:
		return text{"数组", "an array"}
	case reflect.Struct:
		return text{"对象", "an object"}
	}
	return text{"整数", "an integer"}
}

// query reads the parameters of a request's address. Unknown ones, and ones
// given twice, are refused: a filter that is silently dropped finds too much.
type query struct {
	values url.Values
	err    error // the first problem
}

func queryOf(r *http.Request, known ...string) *query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	q := &query{values: values}
	if err != nil {
		q.err = &apiError{code: malformed, cause: err, detail: text{"地址中的参数无法读取。", "the parameters of the address cannot be read."}}
		return q
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, name) {
			zh, en := "不认识参数 "+name, "unknown parameter "+name
			if near := nearest(name, known); near != "" {
				zh, en = zh+"，是否要写 "+near, en+"; did you mean "+near
			}
			q.refuse(name, text{zh + "？", en + "?"})
		} else if len(values[name]) > 1 {
			q.refuse(name, text{"参数 " + name + " 给了不止一次。", "parameter " + name + " is given more than once."})
		}
	}
	return q
}

func (q *query) refuse(name string, detail text) {
	if q.err == nil {
		q.err = &apiError{code: malformed, field: name, detail: detail}
	}
}

func (q *query) text(name string) string { return q.values.Get(name) }

// number reads an integer from least to most, or def where it is absent.
func (q *query) number(name string, def, least, most int64) int64 {
	s := q.values.Get(name)
	if s == "" {
		return def
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < least || n > most {
		q.refuse(name, text{
			fmt.Sprintf("参数 %s 应为 %d 到 %d 的整数。", name, least, most),
			fmt.Sprintf("parameter %s should be an integer from %d to %d.", name, least, most)})
		return def
	}
	return n
}

func (q *query) flag(name string, def bool) bool {
	s := q.values.Get(name)
	if s == "" {
		return def
	}
	b, err := strconv.ParseBool(s)
	if err != nil {
		q.refuse(name, text{"参数 " + name + " 应为 true 或 false。", "parameter " + name + " should be true or false."})
		return def
	}
	return b
}
