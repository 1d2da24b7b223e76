package transcript

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"tingji/capture"
)

// maxImport bounds the hearings of one file.
const maxImport = 1000

// ImportedHearing is a hearing that a file of the case system announces.
type ImportedHearing struct {
	Row int // of the table, the head is 1; of a list in JSON, from 1
	NewHearing
}

// ImportProblem says what is wrong in a file: in which row, in which field.
type ImportProblem struct {
	Row    int    `json:"row"`   // 0: the file as a whole
	Field  string `json:"field"` // as the file names it
	Text   string `json:"text"`
	TextEN string `json:"text_en"`
}

// ImportError lists all that is wrong in a file.
type ImportError struct{ Problems []ImportProblem }

func (e *ImportError) Error() string {
	p := e.Problems[0]
	return fmt.Sprintf("%d problems in the file, the first in row %d, %s: %s", len(e.Problems), p.Row, p.Field, p.TextEN)
}

// ReadImport reads hearings as case systems export them, JSON or CSV;
// docs/FORMATS.md, "Import", has both. What a hearing says is checked by
// [Docket.Import]. *ImportError.
func ReadImport(file []byte) ([]ImportedHearing, error) {
	file = bytes.TrimPrefix(file, []byte("\ufeff"))
	if !utf8.Valid(file) {
		// As Excel writes CSV in China.
		decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(file)
		if err != nil || bytes.ContainsRune(decoded, utf8.RuneError) {
			return nil, wholeFile("文件的编码既不是 UTF-8 也不是 GB18030", "the file is neither UTF-8 nor GB 18030")
		}
		file = decoded
	}
	var list []ImportedHearing
	var err error
	if text := bytes.TrimSpace(file); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		list, err = readImportJSON(text)
	} else {
		list, err = readImportCSV(string(file))
	}
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, wholeFile("文件里没有庭审", "there is no hearing in the file")
	}
	if len(list) > maxImport {
		return nil, wholeFile(fmt.Sprintf("有 %d 场庭审，一次最多 %d 场", len(list), maxImport), fmt.Sprintf("%d hearings; at most %d at once", len(list), maxImport))
	}
	return list, nil
}

func wholeFile(zh, en string) error {
	return &ImportError{[]ImportProblem{{Text: zh, TextEN: en}}}
}

func readImportJSON(text []byte) ([]ImportedHearing, error) {
	var rows []json.RawMessage
	if text[0] == '[' {
		if err := json.Unmarshal(text, &rows); err != nil {
			return nil, wholeFile("不是有效的 JSON："+err.Error(), "not valid JSON: "+err.Error())
		}
	} else {
		var whole struct {
			Hearings []json.RawMessage `json:"hearings"`
		}
		if err := json.Unmarshal(text, &whole); err != nil {
			return nil, wholeFile("不是有效的 JSON："+err.Error(), "not valid JSON: "+err.Error())
		}
		if rows = whole.Hearings; rows == nil {
			rows = []json.RawMessage{text}
		}
	}
	var list []ImportedHearing
	var wrong []ImportProblem
	for i, row := range rows {
		h := ImportedHearing{Row: i + 1}
		d := json.NewDecoder(bytes.NewReader(row))
		d.DisallowUnknownFields()
		if err := d.Decode(&h.NewHearing); err != nil {
			p := ImportProblem{Row: i + 1, Text: "读不懂：" + err.Error(), TextEN: err.Error()}
			var kind *json.UnmarshalTypeError
			if errors.As(err, &kind) {
				p.Field, p.Text, p.TextEN = kind.Field, "类型不对："+kind.Value, "wrong type: "+kind.Value
			} else if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
				p.Field, p.Text, p.TextEN = strings.Trim(name, `"`), "没有这个字段", "there is no such field"
			}
			wrong = append(wrong, p)
			continue
		}
		list = append(list, h)
	}
	if wrong != nil {
		return nil, &ImportError{wrong}
	}
	return list, nil
}

// importColumns are the heads of a table, in Chinese and as JSON names them.
// Besides them, every role of a hearing is a column with the names of who has it.
var importColumns = [...][2]string{
	{"案号", "case_no"}, {"案由", "cause"}, {"法庭", "courtroom"}, {"公开", "public"},
	{"开庭时间", "scheduled_at"}, {"诉讼参与人", "participants"}, {"词汇", "hotwords"},
}

func readImportCSV(text string) ([]ImportedHearing, error) {
	head, _, _ := strings.Cut(text, "\n")
	r := csv.NewReader(strings.NewReader(text))
	for _, comma := range []rune{'\t', ';'} {
		if strings.ContainsRune(head, comma) && !strings.ContainsRune(head, ',') {
			r.Comma = comma
		}
	}
	r.FieldsPerRecord = -1
	var columns []string // JSON names, or roles
	var names []string   // as the file has them
	var list []ImportedHearing
	var wrong []ImportProblem
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			return nil, &ImportError{[]ImportProblem{{Row: syntax.StartLine, Text: "这一行的引号不配对", TextEN: "the quotes of this row do not match"}}}
		}
		row, _ := r.FieldPos(0)
		if columns == nil {
			if columns, wrong = importHead(record); wrong != nil {
				return nil, &ImportError{wrong}
			}
			names = record
			continue
		}
		if strings.TrimSpace(strings.Join(record, "")) == "" {
			continue
		}
		if len(record) > len(columns) {
			wrong = append(wrong, ImportProblem{Row: row, Text: fmt.Sprintf("有 %d 格，表头只有 %d 格", len(record), len(columns)),
				TextEN: fmt.Sprintf("%d cells, and %d in the head", len(record), len(columns))})
			continue
		}
		h := ImportedHearing{Row: row}
		for i, cell := range record {
			if zh, en := h.take(columns[i], strings.TrimSpace(cell)); zh != "" {
				wrong = append(wrong, ImportProblem{Row: row, Field: strings.TrimSpace(names[i]), Text: zh, TextEN: en})
			}
		}
		list = append(list, h)
	}
	if wrong != nil {
		return nil, &ImportError{wrong}
	}
	return list, nil
}

func importHead(record []string) (columns []string, wrong []ImportProblem) {
	for _, cell := range record {
		name := strings.TrimSpace(cell)
		column := ""
		for _, c := range importColumns {
			if name == c[0] || strings.EqualFold(name, c[1]) {
				column = c[1]
			}
		}
		if column == "" && name != "" && capture.CheckRole(name) == nil {
			column = name
		}
		if column == "" || slices.Contains(columns, column) {
			zh, en := "不认识这一列；可用：案号、案由、法庭、公开、开庭时间、诉讼参与人、词汇，以及各种诉讼地位", "unknown column"
			if column != "" {
				zh, en = "这一列出现了两次", "the column is there twice"
			}
			wrong = append(wrong, ImportProblem{Row: 1, Field: name, Text: zh, TextEN: en})
		}
		columns = append(columns, column)
	}
	if !slices.Contains(columns, "case_no") && wrong == nil {
		wrong = append(wrong, ImportProblem{Row: 1, Field: "案号", Text: "缺少这一列", TextEN: "the column is missing"})
	}
	return columns, wrong
}

// take reads a cell of a table; it returns what is wrong with it.
func (h *ImportedHearing) take(column, cell string) (zh, en string) {
	if cell == "" {
		return "", ""
	}
	list := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("、;；,，\n", r) })
	}
	switch column {
	case "case_no":
		h.CaseNo = cell
	case "cause":
		h.Cause = cell
	case "courtroom":
		h.Courtroom = cell
	case "public":
		public := slices.Contains([]string{"公开", "是", "true", "1"}, strings.ToLower(cell))
		if !public && !slices.Contains([]string{"不公开", "否", "false", "0"}, strings.ToLower(cell)) {
			return "应为“公开”或“不公开”", "公开 or 不公开"
		}
		h.Public = &public
	case "scheduled_at":
		at, ok := importTime(cell)
		if !ok {
			return "时间看不懂，应如 2026-05-06 09:00", "no time such as 2026-05-06 09:00"
		}
		h.ScheduledAt = &at
	case "hotwords":
		h.Hotwords = append(h.Hotwords, list(cell)...)
	case "participants":
		for _, one := range list(cell) {
			i := strings.IndexAny(one, ":：")
			if i < 0 {
				return fmt.Sprintf("“%s”应写成 原告：姓名", strings.TrimSpace(one)), fmt.Sprintf("%q should be role:name", one)
			}
			_, size := utf8.DecodeRuneInString(one[i:])
			h.Participants = append(h.Participants, capture.Participant{Role: strings.TrimSpace(one[:i]), Name: strings.TrimSpace(one[i+size:])})
		}
	default: // a role
		for _, name := range list(cell) {
			h.Participants = append(h.Participants, capture.Participant{Role: column, Name: strings.TrimSpace(name)})
		}
	}
	return "", ""
}

// importTime reads a time as case systems and Excel write it; without a zone it
// is that of the courts.
func importTime(s string) (time.Time, bool) {
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, true
	}
	for _, layout := range []string{"2006-1-2 15:04", "2006-1-2 15:04:05", "2006/1/2 15:04", "2006/1/2 15:04:05", "2006年1月2日 15:04", "2006年1月2日15时04分", "2006-1-2T15:04"} {
		if at, err := time.ParseInLocation(layout, s, beijing); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// columnOf is how a field of a hearing is called in a table.
func columnOf(field string) string {
	name, rest, _ := strings.Cut(field, "[")
	for _, c := range importColumns {
		if c[1] == name && rest == "" {
			return c[0]
		}
	}
	return cmp.Or(field, "–")
}
