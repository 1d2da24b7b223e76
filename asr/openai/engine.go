package openai

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	goopenai "github.com/sashabaranov/go-openai"

	"tingji/asr"
	"tingji/capture"
)

// Config says where an engine is and how to speak to it.
type Config struct {
	// BaseURL ends in /v1: http://127.0.0.1:8080/v1. Required.
	BaseURL string
	APIKey  string // empty: none is sent
	// Name is what segments call the engine; the host of BaseURL where empty.
	Name string
	// Server is the kind of server, one of [Servers], where its peculiarities are
	// known; empty is one that keeps to OpenAI's words.
	Server   string
	Model    string        // whisper-1 where empty
	Language string        // as ISO 639-1; zh where empty (whisper.cpp ignores zh-CN)
	Timeout  time.Duration // of a call, queueing at the server included; 60 s where zero
}

// Engine is one server. It implements asr.Recognizer and is safe for use by
// several goroutines.
type Engine struct {
	config Config
	base   *url.URL
	client *http.Client
	log    *slog.Logger
	quirks quirks
	places chan struct{} // nil: the server bears any number of calls
	// shape is the richest form of answer that the server has not refused yet.
	shape atomic.Int32
}

// Shapes of answers to ask for, each poorer than the one before.
const (
	verboseWords int32 = iota // verbose_json with word times
	verbose                   // verbose_json; the server knows no granularities
	plain                     // json: text alone
)

// New makes an engine; it does not call the server (see [Engine.Check]).
func New(c Config, log *slog.Logger) (*Engine, error) {
	base, err := url.Parse(c.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("asr.url %q: must be a base URL such as http://127.0.0.1:8080/v1", c.BaseURL)
	}
	if base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("asr.url %q: must end in the path (/v1), without ? or #", c.BaseURL)
	}
	quirks, ok := servers[c.Server]
	if !ok {
		return nil, fmt.Errorf("server %q: one of %s", c.Server, strings.Join(Servers(), ", "))
	}
	if c.Name == "" {
		c.Name = base.Host
	}
	if c.Model == "" {
		c.Model = goopenai.Whisper1
	}
	if c.Language == "" {
		c.Language = "zh"
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Minute
	}
	// The proxy of the environment is not used for loopback: net/http sees to it.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	e := &Engine{
		config: c,
		base:   base,
		log:    log,
		quirks: quirks,
		client: &http.Client{
			Transport: transport,
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse
			},
		},
	}
	e.shape.Store(quirks.shape)
	if quirks.parallel > 0 {
		e.places = make(chan struct{}, quirks.parallel)
	}
	return e, nil
}

// Name is what segments call the engine.
func (e *Engine) Name() string { return e.config.Name }

// Close gives up idle connections; calls under way are not touched.
func (e *Engine) Close() { e.client.CloseIdleConnections() }

// Recognize asks the server for the words of a clip. Its errors are those that
// asr.Recognizer names, or ctx's.
func (e *Engine) Recognize(ctx context.Context, clip asr.Clip) (asr.Hypothesis, error) {
	if e.places != nil {
		select {
		case e.places <- struct{}{}:
			defer func() { <-e.places }()
		case <-ctx.Done():
			return e.unheard(), fmt.Errorf("wait for %s: %w", e.config.Name, ctx.Err())
		}
	}
	for {
		shape := e.shape.Load()
		answer, err := e.transcribe(ctx, clip, shape)
		if err == nil {
			return e.read(answer, capture.SampleIndex(len(clip.Samples)).Duration())
		}
		poorer, ok := poorerShape(answer, shape)
		if !ok {
			return e.unheard(), err
		}
		if e.shape.CompareAndSwap(shape, poorer) {
			e.log.Info("engine gives no word times in this form, asking for less",
				"engine", e.config.Name, "err", err)
		}
	}
}

// unheard is a hypothesis without words: it says who was asked.
func (e *Engine) unheard() asr.Hypothesis {
	return asr.Hypothesis{Engine: e.config.Name, Model: e.config.Model, Language: e.config.Language}
}

func (e *Engine) transcribe(ctx context.Context, clip asr.Clip, shape int32) (answer, error) {
	request := goopenai.AudioRequest{
		Model:    e.config.Model,
		Reader:   newWAV(clip.Samples),
		FilePath: wavFile{}.Name(),
		Prompt:   clip.Prompt,
		Language: e.quirks.language(e.config.Language),
		Format:   goopenai.AudioResponseFormatVerboseJSON,
	}
	if e.quirks.noPrompt {
		request.Prompt = ""
	}
	switch shape {
	case verboseWords:
		request.TimestampGranularities = []goopenai.TranscriptionTimestampGranularity{
			goopenai.TranscriptionTimestampGranularityWord,
			goopenai.TranscriptionTimestampGranularitySegment,
		}
	case plain:
		request.Format = goopenai.AudioResponseFormatJSON
	}
	return e.call(ctx, func(ctx context.Context, c *goopenai.Client) error {
		_, err := c.CreateTranscription(ctx, request)
		return err
	})
}

// poorerShape says what to ask for after a server has refused a form of answer.
func poorerShape(a answer, shape int32) (int32, bool) {
	if a.status != http.StatusBadRequest && a.status != http.StatusUnprocessableEntity {
		return 0, false
	}
	says := strings.ToLower(string(a.body))
	switch {
	case shape < plain && (strings.Contains(says, "verbose_json") || strings.Contains(says, "response_format")):
		return plain, true
	case shape == verboseWords && strings.Contains(says, "granularit"):
		return verbose, true
	}
	return 0, false
}

// Check asks the server for its models: whether it is there, is what it should
// be, and takes our key. A server without a list of models is fine.
func (e *Engine) Check(ctx context.Context) error {
	answer, err := e.call(ctx, func(ctx context.Context, c *goopenai.Client) error {
		_, err := c.ListModels(ctx)
		return err
	})
	switch answer.status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return nil
	}
	return err
}

// call runs one request through go-openai and hands back what the server
// answered. go-openai's own reading of the answer is of no interest here.
func (e *Engine) call(ctx context.Context, send func(context.Context, *goopenai.Client) error) (answer, error) {
	deadline, cancel := context.WithTimeout(ctx, e.config.Timeout)
	defer cancel()
	recorder := &recorder{client: e.client}
	config := goopenai.DefaultConfig(e.config.APIKey)
	config.BaseURL = strings.TrimRight(e.base.String(), "/")
	config.HTTPClient = recorder
	sendErr := send(deadline, goopenai.NewClientWithConfig(config))
	if err := ctx.Err(); err != nil {
		return answer{}, fmt.Errorf("call %s: %w", e.config.Name, err)
	}
	return recorder.answer, e.classify(recorder, sendErr)
}
