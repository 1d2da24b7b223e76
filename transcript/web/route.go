package web

import (
	"net/http"
	"slices"
	"strings"
)

// recordFormats are the file extensions of a record, as the API names them.
var recordFormats = [...]string{"docx", "pdf", "txt", "json", "srt", "vtt"}

// A route is one thing that can be asked of the server. Its handler has written
// its answer when it returns nil, and nothing yet when it returns an error.
type route struct {
	method string
	path   string // a ServeMux path; {id} is a hearing, {line} a line
	action string // what the gate is asked
	handle func(http.ResponseWriter, *http.Request) error
}

// routes is all that the server answers. openapi.json describes those under
// /api, and a test holds the two together.
func (s *Server) routes() []route {
	const hearing = "/api/v1/hearings/{id}"
	rs := []route{
		{"GET", "/{$}", "page", s.getPage},
		{"GET", "/search", "page", s.getPage},
		{"GET", "/hearings", "page", s.getPage},
		{"GET", "/hearings/{id}", "page", s.getPage},
		{"GET", "/new", "page", s.getPage},
		{"GET", "/start", "page", s.getPage},
		{"GET", "/screen/{courtroom}", "page", s.getPage},
		{"GET", "/assets/{file}", "page", s.getAsset},
		{"GET", "/healthz", "probe", s.getAlive},
		{"GET", "/readyz", "probe", s.getReady},
		{"GET", "/metrics", "metrics.read", s.getMetrics},
		{"GET", "/api/v1/openapi.json", "openapi.read", s.getOpenAPI},
		{"GET", "/api/v1/health", "health.read", s.getHealth},
		{"GET", "/api/v1/events", "events.read", s.getAllEvents},
		{"GET", "/api/v1/search", "search", s.search},
		{"GET", "/api/v1/quality", "quality.read", s.getQuality},

		{"GET", "/api/v1/hearings", "hearing.list", s.listHearings},
		{"POST", "/api/v1/hearings", "hearing.create", s.createHearing},
		{"POST", "/api/v1/hearings/check", "hearing.create", s.checkHearing},
		{"POST", "/api/v1/hearings/import", "hearing.create", s.importHearings},
		{"GET", "/api/v1/templates", "courtroom.list", s.listTemplates},
		{"GET", "/api/v1/courtrooms", "courtroom.list", s.listCourtrooms},
		{"GET", hearing, "hearing.read", s.getHearing},
		{"POST", hearing + "/hotwords", "hearing.teach", s.addHotwords},
		{"POST", hearing + "/alike", "line.list", s.findAlike},
		{"POST", hearing + "/suggest", "line.list", s.suggest},
		{"POST", hearing + "/open", "hearing.open", s.openHearing},
		{"POST", hearing + "/pause", "hearing.pause", s.pauseHearing},
		{"POST", hearing + "/resume", "hearing.resume", s.resumeHearing},
		{"POST", hearing + "/close", "hearing.close", s.closeHearing},
		{"POST", hearing + "/case", "hearing.bind", s.bindHearing},
		{"POST", hearing + "/seats", "hearing.seat", s.seatHearing},
		{"POST", hearing + "/screen", "screen.release", s.releaseScreen},
		{"POST", hearing + "/sign", "record.sign", s.signRecord},
		{"GET", hearing + "/doubts", "doubt.list", s.listDoubts},
		{"POST", hearing + "/explanations", "fault.explain", s.explainFault},
		{"POST", hearing + "/readings", "record.confirm", s.markRead},
		{"GET", hearing + "/proof", "proof.read", s.getProof},
		{"GET", hearing + "/corrections", "correction.list", s.listCorrections},
		{"POST", hearing + "/corrections", "correction.request", s.requestCorrection},
		{"GET", hearing + "/corrections/{correction}", "correction.read", s.getCorrection},
		{"POST", hearing + "/corrections/{correction}/decide", "correction.decide", s.decideCorrection},
		{"GET", hearing + "/events", "events.read", s.getEvents},
		{"GET", hearing + "/audio", "audio.read", s.getAudio},
		{"GET", hearing + "/ledger", "ledger.read", s.getLedger},
		{"GET", hearing + "/phases", "phase.list", s.listPhases},
		{"PUT", hearing + "/phases/{line}", "phase.mark", s.putPhase},
		{"GET", hearing + "/asides", "aside.list", s.listAsides},
		{"POST", hearing + "/asides/{aside}/bring-back", "line.add", s.bringBack},
		{"GET", hearing + "/lines", "line.list", s.listLines},
		{"POST", hearing + "/lines", "line.add", s.addLine},
		{"GET", hearing + "/lines/{line}", "line.read", s.getLine},
		{"PUT", hearing + "/lines/{line}", "line.revise", s.putLine},
		{"GET", hearing + "/lines/{line}/revisions", "line.read", s.listRevisions},
	}
	for _, format := range recordFormats {
		rs = append(rs, route{"GET", hearing + "/record." + format, "record.read", s.getRecord(format)})
	}
	return rs
}

// mux sends each request through the gate to its route.
func (s *Server) mux() *http.ServeMux {
	byPath := make(map[string][]route)
	for _, rt := range s.routes() {
		byPath[rt.path] = append(byPath[rt.path], rt)
	}
	mux := http.NewServeMux()
	for path, routes := range byPath {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.dispatch(w, r, routes) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &apiError{code: notFound, detail: text{
			"没有这个地址：" + r.URL.Path, "there is nothing at " + r.URL.Path}})
	})
	return mux
}

// dispatch picks the route of a path by method, asks the gate, and writes down
// that it was asked. ServeMux could tell methods apart, but would answer a wrong
// one in plain text.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, routes []route) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	i := slices.IndexFunc(routes, func(rt route) bool { return rt.method == method })
	if i < 0 {
		allow := allowed(routes)
		w.Header().Set("Allow", allow)
		s.fail(w, r, &apiError{code: methodNotAllowed, detail: text{
			"这个地址只接受 " + allow, "this address takes only " + allow}})
		return
	}
	err := s.Gate(r, routes[i].action, r.PathValue("id"))
	s.accessed(r, routes[i].action, err != nil)
	if err != nil {
		err = s.refusal(r, routes[i].action, err)
	} else {
		err = routes[i].handle(w, r)
	}
	if err != nil {
		s.fail(w, r, err)
	}
}

func allowed(routes []route) string {
	var methods []string
	for _, rt := range routes {
		methods = append(methods, rt.method)
		if rt.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// visible says whether the gate lets this reader see a hearing among others.
func (s *Server) visible(r *http.Request, action, hearing string) bool {
	return s.Gate(r, action, hearing) == nil
}

// notBuilt answers for what the API promises and this version does not have.
func notBuilt(http.ResponseWriter, *http.Request) error {
	return &apiError{code: notImplemented, detail: text{
		"此功能尚未提供：接口已经定下，本版本还没有实现。",
		"not built yet: the interface is settled, this version does not have it."}}
}
