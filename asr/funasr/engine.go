package funasr

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"tingji/asr"
	"tingji/capture"
)

const (
	// frame is how much sound one message carries: the streaming model's step.
	frame = 9600 // samples: 600 ms
	// maxMessage bounds a message of the server, in bytes.
	maxMessage = 1 << 20
	// silence is how long a server may say nothing after the end of the sound until
	// its last corrected sentence counts as the end. Most servers mark it.
	silence = 2 * time.Second
	// hotwordWeight is what FunASR's own examples give a word.
	hotwordWeight = 20
)

// Config says where an engine is and how to speak to it.
type Config struct {
	URL      string        // ws://host:10095 or wss://…; required
	APIKey   string        // sent as a bearer token, for a proxy in between; empty: none
	Name     string        // what segments call the engine; the host where empty
	Model    string        // what segments call the model; the server has only one
	Language string        // what segments say; zh where empty
	Timeout  time.Duration // of a clip; 60 s where zero
}

// Engine is one server. It implements asr.Recognizer and is safe for use by
// several goroutines.
type Engine struct {
	config Config
	host   string
	client *http.Client
	quiet  time.Duration
}

// New makes an engine; it does not call the server (see [Engine.Check]).
func New(c Config) (*Engine, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss" {
		return nil, fmt.Errorf("engine url %q: must be an address such as ws://127.0.0.1:10095", c.URL)
	}
	if c.Name == "" {
		c.Name = u.Host
	}
	if c.Model == "" {
		c.Model = "2pass"
	}
	if c.Language == "" {
		c.Language = "zh"
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Minute
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &Engine{config: c, host: u.Host, client: &http.Client{Transport: transport}, quiet: silence}, nil
}

// Name is what segments call the engine.
func (e *Engine) Name() string { return e.config.Name }

// Close gives up idle connections.
func (e *Engine) Close() { e.client.CloseIdleConnections() }

// Check opens a connection and closes it.
func (e *Engine) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.config.Timeout)
	defer cancel()
	conn, err := e.dial(ctx)
	if err != nil {
		return err
	}
	return conn.CloseNow()
}

func (e *Engine) dial(ctx context.Context) (*websocket.Conn, error) {
	header := http.Header{}
	if e.config.APIKey != "" {
		header.Set("Authorization", "Bearer "+e.config.APIKey)
	}
	conn, response, err := websocket.Dial(ctx, e.config.URL, &websocket.DialOptions{
		HTTPClient: e.client, HTTPHeader: header, Subprotocols: []string{"binary"},
		CompressionMode: websocket.CompressionDisabled,
	})
	if err == nil {
		conn.SetReadLimit(maxMessage)
		return conn, nil
	}
	if response != nil && response.StatusCode >= 300 && response.StatusCode < 500 &&
		response.StatusCode != http.StatusTooManyRequests && response.StatusCode != http.StatusRequestTimeout {
		return nil, &asr.UnavailableError{Engine: e.address(), Reason: fmt.Sprintf("HTTP %d instead of a WebSocket; check the engine's url and key", response.StatusCode)}
	}
	return nil, e.retry("cannot be reached", err)
}

func (e *Engine) address() string { return "engine " + e.host }

func (e *Engine) retry(what string, err error) error {
	reason := what
	if err != nil {
		reason = strings.Join(strings.Fields(fmt.Sprintf("%s: %v", what, err)), " ")
	}
	if r := []rune(reason); len(r) > 300 {
		reason = string(r[:300]) + "…"
	}
	return &asr.RetryError{Engine: e.address(), Reason: reason}
}

// opening is the message that opens a clip.
type opening struct {
	Mode       string `json:"mode"`
	Name       string `json:"wav_name"`
	Format     string `json:"wav_format"`
	Rate       int    `json:"audio_fs"`
	IsSpeaking bool   `json:"is_speaking"`
	ChunkSize  [3]int `json:"chunk_size"`
	Interval   int    `json:"chunk_interval"`
	Hotwords   string `json:"hotwords,omitempty"` // a JSON object within a string
	ITN        bool   `json:"itn"`                // false: numbers stay as they were spoken
}

// Recognize asks the server for the words of a clip. Its errors are those that
// asr.Recognizer names, or ctx's.
func (e *Engine) Recognize(ctx context.Context, clip asr.Clip) (asr.Hypothesis, error) {
	h := asr.Hypothesis{Engine: e.config.Name, Model: e.config.Model, Language: e.config.Language}
	deadline, cancel := context.WithTimeout(ctx, e.config.Timeout)
	defer cancel()
	err := e.converse(deadline, clip, &h)
	switch {
	case ctx.Err() != nil:
		return h, fmt.Errorf("call %s: %w", e.config.Name, ctx.Err())
	case deadline.Err() != nil:
		return h, e.retry(fmt.Sprintf("no answer within %v", e.config.Timeout), nil)
	}
	return h, err
}

// converse sends a clip while it listens: a server may stop reading until what
// it says is heard.
func (e *Engine) converse(ctx context.Context, clip asr.Clip, h *asr.Hypothesis) error {
	conn, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithCancel(ctx)
	sent := make(chan error, 1)
	go func() {
		err := e.send(ctx, conn, clip)
		if err != nil {
			cancel()
		}
		sent <- err
	}()
	a, err := e.listen(ctx, conn, sent)
	cancel()
	if err != nil {
		return err
	}
	a.write(h, capture.SampleIndex(len(clip.Samples)).Duration())
	if h.Text == "" && !a.ended {
		// A final without a mark and without a word: nobody knows what it means.
		return &asr.RejectedError{Engine: e.address(), Reason: "said nothing at all"}
	}
	return nil
}

func (e *Engine) send(ctx context.Context, conn *websocket.Conn, clip asr.Clip) error {
	text := func(v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		return conn.Write(ctx, websocket.MessageText, b)
	}
	if err := text(opening{
		Mode: "2pass", Name: "clip", Format: "pcm", Rate: capture.Rate, IsSpeaking: true,
		ChunkSize: [3]int{5, 10, 5}, Interval: 10, Hotwords: hotwords(clip.Prompt),
	}); err != nil {
		return err
	}
	pcm := make([]byte, 0, 2*frame)
	for samples := clip.Samples; len(samples) > 0; {
		n := min(frame, len(samples))
		pcm = pcm[:0]
		for _, s := range samples[:n] {
			pcm = binary.LittleEndian.AppendUint16(pcm, uint16(s))
		}
		if err := conn.Write(ctx, websocket.MessageBinary, pcm); err != nil {
			return err
		}
		samples = samples[n:]
	}
	return text(map[string]bool{"is_speaking": false})
}

// hotwords is a prompt as FunASR takes it: {"word":weight}, in a string.
func hotwords(prompt string) string {
	words := map[string]int{}
	for _, w := range strings.FieldsFunc(prompt, func(r rune) bool { return strings.ContainsRune("，,、; \n", r) }) {
		words[w] = hotwordWeight
	}
	if len(words) == 0 {
		return ""
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(words) != nil {
		return ""
	}
	return strings.TrimSpace(b.String())
}

// listen takes in messages until the server has said its last.
func (e *Engine) listen(ctx context.Context, conn *websocket.Conn, sent <-chan error) (a answer, err error) {
	type heard struct {
		data []byte
		err  error
	}
	messages := make(chan heard)
	reading, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			_, data, err := conn.Read(reading)
			select {
			case messages <- heard{data, err}:
			case <-reading.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	defer func() { stop(); conn.CloseNow(); <-done }()

	over := false   // all is sent, and known to be
	marked := false // the newest message says that it is the last
	wait := func() {
		if over {
			return
		}
		over = <-sent == nil
		sent = nil
	}
	quiet := time.NewTimer(e.quiet)
	defer quiet.Stop()
	for {
		select {
		case err := <-sent:
			if err != nil {
				return a, e.retry("breaks off", err)
			}
			over, sent = true, nil
			quiet.Reset(e.quiet)
		case m := <-messages:
			var closed websocket.CloseError
			if m.err != nil {
				// Whether all was sent may be told after what was answered to it.
				if wait(); errors.As(m.err, &closed) && closed.Code == websocket.StatusNormalClosure && over && (a.corrected() || marked) {
					a.ended = marked
					return a, nil
				}
				return a, e.retry("breaks off", m.err)
			}
			if marked, err = a.take(m.data); err != nil {
				return a, e.retry("answers what is no FunASR", err)
			}
			if marked && over {
				a.ended = true
				return a, nil
			}
			quiet.Reset(e.quiet)
		case <-quiet.C:
			if over && (a.corrected() || marked) {
				a.ended = marked
				return a, nil
			}
		case <-ctx.Done():
			return a, e.retry("breaks off", context.Cause(ctx))
		}
	}
}
