package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/language"

	"tingji/capture"
	"tingji/transcript"
)

// text is a sentence for a person, in Chinese and in English.
type text struct{ zh, en string }

func (t text) in(english bool) string {
	if english {
		return t.en
	}
	return t.zh
}

// code is the stable name of a kind of problem, for programs.
type code string

const (
	malformed            code = "malformed"
	invalidField         code = "invalid-field"
	forbidden            code = "forbidden"
	hostRefused          code = "host-refused"
	notFound             code = "not-found"
	methodNotAllowed     code = "method-not-allowed"
	wrongState           code = "wrong-state"
	courtroomBusy        code = "courtroom-busy"
	revisionConflict     code = "revision-conflict"
	tooLarge             code = "too-large"
	unsupportedType      code = "unsupported-media-type"
	recordSigned         code = "record-signed"
	preconditionRequired code = "precondition-required"
	internalError        code = "internal"
	notImplemented       code = "not-built"
	timedOut             code = "timed-out"
	diskFull             code = "disk-full"
	openDoubts           code = "open-doubts"
	demoRecord           code = "demo-record"
	incomplete           code = "incomplete"
	noCase               code = "no-case"
	hasCase              code = "has-case"
	recordChanged        code = "record-changed"
	correctionDecided    code = "correction-decided"
	proofBroken          code = "proof-broken"
	notInstalled         code = "not-installed"
	importRefused        code = "import-refused"
	noSuchRange          code = "no-such-range"
)

var problems = map[code]struct {
	status int
	title  text
}{
	malformed:            {http.StatusBadRequest, text{"请求无法读取", "The request cannot be read"}},
	invalidField:         {http.StatusUnprocessableEntity, text{"填写有误", "A field is wrong"}},
	forbidden:            {http.StatusForbidden, text{"不允许", "Not allowed"}},
	hostRefused:          {http.StatusForbidden, text{"不认识的主机名", "Unknown host name"}},
	notFound:             {http.StatusNotFound, text{"没有找到", "Not found"}},
	methodNotAllowed:     {http.StatusMethodNotAllowed, text{"不支持这种操作", "Method not allowed"}},
	wrongState:           {http.StatusConflict, text{"庭审的状态不允许", "The state of the hearing does not allow it"}},
	courtroomBusy:        {http.StatusConflict, text{"法庭正在使用", "The courtroom is in use"}},
	revisionConflict:     {http.StatusConflict, text{"这一行已被修改", "The line has been changed"}},
	tooLarge:             {http.StatusRequestEntityTooLarge, text{"内容太大", "Too large"}},
	unsupportedType:      {http.StatusUnsupportedMediaType, text{"内容类型不对", "Unsupported media type"}},
	recordSigned:         {http.StatusLocked, text{"笔录已签名", "The record is signed"}},
	preconditionRequired: {http.StatusPreconditionRequired, text{"缺少版本号", "Revision required"}},
	internalError:        {http.StatusInternalServerError, text{"服务器出错", "Server error"}},
	notImplemented:       {http.StatusNotImplemented, text{"尚未提供", "Not built yet"}},
	timedOut:             {http.StatusServiceUnavailable, text{"未能及时完成", "Not done in time"}},
	diskFull:             {http.StatusInsufficientStorage, text{"服务器磁盘已满", "The server's disk is full"}},
	openDoubts:           {http.StatusConflict, text{"笔录尚有存疑", "The record has open doubts"}},
	demoRecord:           {http.StatusConflict, text{"演示笔录不能签名", "A demonstration cannot be signed"}},
	noCase:               {http.StatusConflict, text{"庭审未绑定案件", "The hearing has no case"}},
	hasCase:              {http.StatusConflict, text{"庭审不需要绑定案件", "The hearing is not to be bound"}},
	incomplete:           {http.StatusConflict, text{"笔录尚未完成", "The record is not complete"}},
	recordChanged:        {http.StatusConflict, text{"笔录刚有改动", "The record has just changed"}},
	correctionDecided:    {http.StatusConflict, text{"补正请求已处理", "The request is decided"}},
	proofBroken:          {http.StatusInternalServerError, text{"与签名时不符", "Not what was signed"}},
	importRefused:        {http.StatusUnprocessableEntity, text{"文件有误，没有导入", "The file is wrong, nothing was imported"}},
	noSuchRange:          {http.StatusRequestedRangeNotSatisfiable, text{"没有这一段", "No such range"}},
	notInstalled:         {http.StatusNotImplemented, text{"服务器缺少软件", "Software is missing on the server"}},
}

// apiError is a refusal that its reader can act on, or the id of a failure that
// he cannot.
type apiError struct {
	code  code
	field string // JSON name or parameter, where one is to blame
	part  string // of a case number in field
	// Of the place in field, in characters; nil where the field as a whole is to blame.
	position, length *int
	detail           text
	current          *transcript.Line // of a conflict
	doubts           []transcript.Doubt
	rows             []transcript.ImportProblem
	id               string // of a failure in the log
	cause            error  // for the log
}

func (e *apiError) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %v", e.code, e.cause)
	}
	return fmt.Sprintf("%s: %s", e.code, e.detail.en)
}

func (e *apiError) Unwrap() error { return e.cause }

// problem is the body of an error (RFC 9457).
type problem struct {
	Type     string             `json:"type"`
	Title    string             `json:"title"`
	Status   int                `json:"status"`
	Detail   string             `json:"detail"`
	Instance string             `json:"instance"`
	Code     code               `json:"code"`
	Field    string             `json:"field,omitempty"`
	Part     string             `json:"part,omitempty"`
	Position *int               `json:"position,omitempty"`
	Length   *int               `json:"length,omitempty"`
	ID       string             `json:"id,omitempty"` // finds the cause in the log
	Current  *transcript.Line   `json:"current,omitempty"`
	Doubts   []transcript.Doubt `json:"doubts,omitempty"`
	// Rows are what is wrong in a file.
	Rows []transcript.ImportProblem `json:"rows,omitempty"`
}

// fail answers with the problem that err is. What is no refusal but a failure
// is logged under an id, and its reader sees only the id.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody is there any more
	}
	e := refusalOf(err)
	if e == nil {
		id := errorID()
		s.Log.Error("request failed", "id", id, "method", r.Method, "path", r.URL.Path, "err", err)
		e = internalProblem(id)
	} else if e.code == proofBroken {
		s.Log.Error("a signed record is damaged", "method", r.Method, "path", r.URL.Path, "err", err)
	} else if e.code == diskFull {
		s.Log.Error("a change was not kept", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	s.writeProblem(w, r, e)
}

func internalProblem(id string) *apiError {
	return &apiError{code: internalError, id: id, detail: text{
		"服务器内部出错，编号 " + id + "；请把编号告诉技术人员。",
		"something failed inside the server, id " + id + "; tell your technician the id."}}
}

func (s *Server) writeProblem(w http.ResponseWriter, r *http.Request, e *apiError) {
	english := wantsEnglish(r)
	kind := problems[e.code]
	p := problem{
		Type:     "urn:tingji:problem:" + string(e.code),
		Title:    kind.title.in(english),
		Status:   kind.status,
		Detail:   e.detail.in(english),
		Instance: r.URL.Path,
		Code:     e.code,
		Field:    e.field,
		Part:     e.part,
		Position: e.position,
		Length:   e.length,
		ID:       e.id,
		Current:  e.current,
		Doubts:   e.doubts,
		Rows:     e.rows,
	}
	body, err := encode(p)
	if err != nil {
		s.Log.Error("encode problem", "code", e.code, "err", err)
		http.Error(w, string(e.code), kind.status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Language", map[bool]string{false: "zh-CN", true: "en"}[english])
	h.Add("Vary", "Accept-Language")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(kind.status)
	_, _ = w.Write(body) // a reader that has gone is no failure of ours
}

// refusalOf is what the reader is told of an error that he can mend; nil for a
// failure that he cannot.
func refusalOf(err error) *apiError {
	var (
		own      *apiError
		field    *transcript.FieldError
		conflict *transcript.ConflictError
		state    *transcript.StateError
		busy     *transcript.BusyError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &field):
		return &apiError{code: invalidField, field: field.Field, detail: text{field.Text, field.TextEN}}
	case errors.As(err, &conflict):
		return &apiError{code: revisionConflict, current: &conflict.Current, detail: text{
			fmt.Sprintf("这一行已有第 %d 版，请在它的基础上修改。", conflict.Current.Revision),
			fmt.Sprintf("the line has revision %d by now; make your change to that one.", conflict.Current.Revision)}}
	case errors.As(err, &state):
		return stateProblem(state)
	case errors.As(err, &busy):
		return &apiError{code: courtroomBusy, detail: text{
			fmt.Sprintf("法庭 %s 的庭审 %s 还没有闭庭，请先将它闭庭。", busy.Courtroom, busy.Hearing),
			fmt.Sprintf("courtroom %s has hearing %s, which is not closed; close it first.", busy.Courtroom, busy.Hearing)}}
	case errors.Is(err, transcript.ErrNotFound):
		return &apiError{code: notFound, detail: text{
			"没有这一庭审、这一行或这段录音，或者无权查看。",
			"there is no such hearing, line or recording, or you may not see it."}}
	case errors.Is(err, transcript.ErrDiskFull):
		return &apiError{code: diskFull, cause: err, detail: text{
			"服务器磁盘已满，这次的改动没有保存。请技术人员清理磁盘，之后再试；录音不受影响。",
			"the server's disk is full, and this change was not kept. Have some space freed, then try again; recording is not affected."}}
	case errors.Is(err, context.DeadlineExceeded):
		return &apiError{code: timedOut, detail: text{
			"服务器没有及时完成，请再试。", "the server did not finish in time; try again."}}
	}
	return signingProblem(err)
}

// signingProblem is what stands in the way of a signature, a proof or a
// correction.
func signingProblem(err error) *apiError {
	var (
		doubts  *transcript.DoubtsError
		decided *transcript.DecidedError
		broken  *transcript.MismatchError
		missing *transcript.UnavailableError
		file    *transcript.ImportError
	)
	switch {
	case errors.As(err, &doubts):
		return &apiError{code: openDoubts, doubts: doubts.Doubts, detail: text{
			fmt.Sprintf("笔录尚有 %d 处存疑，见 doubts；请逐一处理，或在 overrule 中写明仍予签名的理由。", len(doubts.Doubts)),
			fmt.Sprintf("the record has %d open doubts, listed in doubts: settle them, or give the reason to sign nevertheless in overrule.", len(doubts.Doubts))}}
	case errors.As(err, &file):
		p := file.Problems[0]
		detail := text{
			fmt.Sprintf("文件有 %d 处不对，什么也没有导入。第一处在第 %d 行（%s）：%s。", len(file.Problems), p.Row, p.Field, p.Text),
			fmt.Sprintf("%d problem(s) in the file, and nothing was imported; the first in row %d (%s): %s.", len(file.Problems), p.Row, p.Field, p.TextEN)}
		if p.Row == 0 { // it is the file as a whole
			detail = text{p.Text + "，什么也没有导入。", p.TextEN + "; nothing was imported."}
		}
		return &apiError{code: importRefused, rows: file.Problems, field: p.Field, detail: detail}
	case errors.Is(err, transcript.ErrDemo):
		return &apiError{code: demoRecord, detail: text{
			"这是示例识别引擎的演示，不作为任何案件的依据，不能签名。",
			"this was recognised by the demonstration engine; it is evidence of nothing and cannot be signed."}}
	case errors.Is(err, transcript.ErrNoCase):
		return &apiError{code: noCase, detail: text{
			"这次庭审是在法庭电脑上开庭的，还没有绑定案件，不能签名；请先在庭审页面填写案号。",
			"this hearing was opened on the courtroom's PC and is not bound to a case: enter its case number on its page, then sign."}}
	case errors.Is(err, transcript.ErrHasCase):
		return &apiError{code: hasCase, detail: text{
			"只有在法庭电脑上开庭的庭审才需要绑定案件。", "only a hearing that was opened on a courtroom's PC is bound to a case."}}
	case errors.Is(err, transcript.ErrIncomplete):
		return &apiError{code: incomplete, detail: text{
			"还有录音没有存完或没有转写完，请稍候再试；进度见庭审的 progress。",
			"some of the sound is not stored or not recognised yet; see progress of the hearing and try again."}}
	case errors.Is(err, transcript.ErrChanged):
		return &apiError{code: recordChanged, detail: text{
			"签名时笔录有改动，没有签成；请核对后再签。", "the record was changed meanwhile and is not signed; read it again and sign again."}}
	case errors.As(err, &decided):
		return &apiError{code: correctionDecided, detail: text{
			fmt.Sprintf("第 %s 项补正请求已经处理过。", decided.Current.ID),
			fmt.Sprintf("request %s was decided before.", decided.Current.ID)}}
	case errors.As(err, &broken):
		return &apiError{code: proofBroken, cause: err, detail: text{
			fmt.Sprintf("%s 与签名时不符（%s）；请立即告知技术人员，勿再使用。", broken.File, broken.Reason),
			fmt.Sprintf("%s does not fit what was signed (%s); tell your technician at once.", broken.File, broken.Reason)}}
	case errors.As(err, &missing):
		return &apiError{code: notInstalled, cause: err, detail: text{missing.Text, missing.TextEN}}
	}
	return nil
}

func stateProblem(e *transcript.StateError) *apiError {
	if e.Status == capture.Signed {
		return &apiError{code: recordSigned, detail: text{
			"笔录已经签名，不能再改。", "the record is signed and does not change any more."}}
	}
	return &apiError{code: wrongState, detail: text{
		fmt.Sprintf("庭审%s，不能%s。", statusName(e.Status), actionName(e.Action)),
		fmt.Sprintf("the hearing is %s: cannot %s.", e.Status, e.Action)}}
}

func statusName(s capture.Status) string {
	switch s {
	case capture.Scheduled:
		return "尚未开庭"
	case capture.Open:
		return "正在进行"
	case capture.Paused:
		return "正在休庭"
	case capture.Closed:
		return "已经闭庭"
	case capture.Signed:
		return "的笔录已经签名"
	}
	return "处于" + string(s)
}

func actionName(action string) string {
	switch action {
	case "open":
		return "开庭"
	case "pause":
		return "休庭"
	case "resume":
		return "继续开庭"
	case "close":
		return "闭庭"
	case "revise":
		return "修改笔录"
	case "add a line":
		return "记入笔录"
	case "sign":
		return "签名"
	case "bind":
		return "绑定案件"
	case "seat":
		return "调整席位"
	case "take over":
		return "并入另一次庭审"
	case "prove":
		return "出具完整性证明"
	case "correct":
		return "补正"
	case "add hotwords":
		return "添加词汇"
	case "release":
		return "调整当事人屏幕"
	case "mark a phase of":
		return "标记阶段"
	case "explain a fault of":
		return "说明录音中断"
	case "mark a reading of":
		return "记载阅读确认"
	}
	return action
}

// refusal is what the reader is told when the gate says no; the reason is for
// the log.
func (s *Server) refusal(r *http.Request, action string, err error) error {
	if errors.Is(err, transcript.ErrNotFound) {
		return err
	}
	s.Log.Info("refused", "action", action, "hearing", r.PathValue("id"), "err", err)
	return &apiError{code: forbidden, cause: err, detail: text{
		"您没有进行这项操作的权限。", "you are not allowed to do this."}}
}

// wantsEnglish says which of our two languages a reader likes better. Chinese is
// the court's.
func wantsEnglish(r *http.Request) bool {
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return false
	}
	for _, tag := range tags { // the best first
		switch base, _ := tag.Base(); base.String() {
		case "zh":
			return false
		case "en":
			return true
		}
	}
	return false
}

// encode writes JSON as the API promises it: lists are never null, maps are in
// order, broken UTF-8 cannot leave.
func encode(v any) ([]byte, error) {
	return json.Marshal(v, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := encode(v)
	if err != nil {
		return fmt.Errorf("encode %T: %w", v, err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return nil
}

// now is the server's time as the API shows it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
