package web

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tingji/capture"
)

// healthView is what the whole system says of itself.
type healthView struct {
	Status     string           `json:"status"` // ok, or alarm where there is one
	Court      string           `json:"court"`
	Version    string           `json:"version"`
	Now        time.Time        `json:"now"`
	Components []capture.Health `json:"components"`
	Alarms     []alarmView      `json:"alarms"`
}

// alarmView is an alarm with the part that raised it.
type alarmView struct {
	capture.Alarm
	Component string `json:"component"`
	Instance  string `json:"instance"`
	Courtroom string `json:"courtroom,omitempty"`
}

func (s *Server) getHealth(w http.ResponseWriter, r *http.Request) error {
	v := healthView{Status: "ok", Court: s.Court, Version: s.Version, Now: now(), Components: s.Docket.Health()}
	for _, part := range v.Components {
		for _, a := range part.Alarms {
			v.Status = "alarm"
			v.Alarms = append(v.Alarms, alarmView{a, part.Component, part.Instance, part.Courtroom})
		}
	}
	return writeJSON(w, http.StatusOK, v)
}

// getAlive says that the process answers, whatever else is broken.
func (s *Server) getAlive(w http.ResponseWriter, r *http.Request) error {
	return writeText(w, http.StatusOK, "ok\n")
}

// getReady says whether requests can be served now.
func (s *Server) getReady(w http.ResponseWriter, r *http.Request) error {
	if err := s.Ready(r.Context()); err != nil {
		return writeText(w, http.StatusServiceUnavailable, "not ready: "+err.Error()+"\n")
	}
	return writeText(w, http.StatusOK, "ready\n")
}

func writeText(w http.ResponseWriter, status int, body string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
	return nil
}

func (s *Server) getMetrics(w http.ResponseWriter, r *http.Request) error {
	promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	return nil
}

// metrics count what the server answers. Safe for several goroutines.
type metrics struct {
	answers *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	streams prometheus.Gauge
	panics  prometheus.Counter
}

func newMetrics(reg *prometheus.Registry) (*metrics, error) {
	m := &metrics{
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tingji_http_answers_total", Help: "HTTP answers by route, method and status."},
			[]string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tingji_http_answer_seconds", Help: "Time to answer, streams included.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10}},
			[]string{"route"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tingji_http_streams", Help: "Event streams that are open."}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tingji_http_panics_total", Help: "Requests whose handler panicked."}),
	}
	for _, c := range []prometheus.Collector{m.answers, m.seconds, m.streams, m.panics} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) answered(route, method string, status int, took time.Duration) {
	if route == "" || route == "/" {
		route = "other" // addresses that strangers make up must not become labels
	}
	switch method {
	case "GET", "HEAD", "POST", "PUT":
	default:
		method = "other"
	}
	m.answers.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}
