package web

import "time"

// Routes lists all that the server answers, as "METHOD path".
func (s *Server) Routes() []string {
	var list []string
	for _, r := range s.routes() {
		list = append(list, r.method+" "+r.path)
	}
	return list
}

// TickEvery has streams tick at another pace, so that a test need not wait for
// a night's ticks.
func TickEvery(cfg *Config, d time.Duration) { cfg.tickEvery = d }
