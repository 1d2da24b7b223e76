package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/agnivade/levenshtein"

	"tingji/asr"
	"tingji/asr/openai"
	"tingji/capture"
	"tingji/transcript"
	"tingji/transcript/tsa"
)

// Config is the whole configuration. A value comes from, in rising order: the
// default here, the TOML file, the environment (TINGJI_ and the key's path in
// capitals, asr.url → TINGJI_ASR_URL), the command line. deploy/tingji.toml is
// the commented sample; a test holds it to this struct.
type Config struct {
	Court  string   `toml:"court"`
	Data   string   `toml:"data"`
	Listen string   `toml:"listen"`
	Hosts  []string `toml:"hosts"`
	DB     string   `toml:"db"`
	// RecordTemplate is a DOCX with fields; see docs/RECORD.md.
	RecordTemplate string `toml:"record_template"`
	TSA            string `toml:"tsa"`

	Kafka      KafkaConfig       `toml:"kafka"`
	ASR        ASRConfig         `toml:"asr"`
	Capture    CaptureConfig     `toml:"capture"`
	Courtrooms []CourtroomConfig `toml:"courtroom"`
}

// KafkaConfig says where the log is.
type KafkaConfig struct {
	Brokers    []string `toml:"brokers"`
	Partitions int      `toml:"partitions"`
	// Replication is the number of copies of each partition on a cluster.
	Replication int    `toml:"replication"`
	Listen      string `toml:"listen"`
	CapMB       int    `toml:"cap_mb"`
	TLS         bool   `toml:"tls"`
	CA          string `toml:"ca"`
	Cert        string `toml:"cert"`
	Key         string `toml:"key"`
	SASL        string `toml:"sasl"`
	User        string `toml:"user"`
	Password    string `toml:"password"`
}

// ASRConfig says which engine recognises, and how it is asked.
type ASRConfig struct {
	URL      string   `toml:"url"`
	APIKey   string   `toml:"api_key"`
	Model    string   `toml:"model"`
	Language string   `toml:"language"`
	Timeout  Duration `toml:"timeout"`
	Parallel int      `toml:"parallel"`
	// EndSilence ends an utterance; a seat may have its own, and a phase.
	EndSilence Duration      `toml:"end_silence"`
	Phases     []PhaseConfig `toml:"phase"`
	// Detector tells speech from noise: voices, or levels.
	Detector string `toml:"detector"`
	// Engines are servers that share the work, beside URL where that is set.
	Engines []EngineConfig `toml:"engine"`
}

// PhaseConfig is what is different in a phase of a hearing.
type PhaseConfig struct {
	Name       string   `toml:"name"` // 最后陈述
	EndSilence Duration `toml:"end_silence"`
}

// EngineConfig is one of several engines. What it leaves out is as in
// [ASRConfig], but the key: that is no other server's business.
type EngineConfig struct {
	Name     string   `toml:"name"`
	URL      string   `toml:"url"` // http(s)://…/v1: OpenAI's protocol; ws(s)://…: FunASR's
	Server   string   `toml:"server"`
	APIKey   string   `toml:"api_key"`
	Model    string   `toml:"model"`
	Language string   `toml:"language"`
	Timeout  Duration `toml:"timeout"`
	Parallel int      `toml:"parallel"`
	Weight   int      `toml:"weight"`
}

// CaptureConfig says what this machine records.
type CaptureConfig struct {
	Courtroom string   `toml:"courtroom"`
	Codec     string   `toml:"codec"`
	Pace      float64  `toml:"pace"`
	Rate      int      `toml:"rate"`
	SpoolMB   int      `toml:"spool_mb"`
	Archive   string   `toml:"archive"`
	Backlog   int      `toml:"backlog_mbit"`
	Preroll   Duration `toml:"preroll"`
	Listen    string   `toml:"listen"`
}

// CourtroomConfig is a room: its place in the partition table and its seats.
type CourtroomConfig struct {
	ID        string       `toml:"id"`
	Name      string       `toml:"name"`
	Partition *int         `toml:"partition"`
	Seats     []SeatConfig `toml:"seat"`
}

// SeatConfig is a seat: a channel, who usually sits there, and what it hears.
type SeatConfig struct {
	Channel string `toml:"channel"`
	Role    string `toml:"role"`
	Speaker string `toml:"speaker"`
	Source  string `toml:"source"`
	// EndSilence is how long this seat is silent before an utterance is over;
	// zero: as asr.end_silence.
	EndSilence Duration `toml:"end_silence"`
}

// Duration is a time.Duration written as in Go: 500ms, 60s.
type Duration time.Duration

// UnmarshalText reads 500ms, 60s, 2m.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration: write 500ms, 60s or 2m", text)
	}
	*d = Duration(v)
	return nil
}

// DefaultConfig is what runs where nothing is configured: the embedded broker,
// SQLite, and the sample hearing.
func DefaultConfig() Config {
	return Config{
		Court:  "示范区人民法院",
		Data:   "data",
		Listen: "127.0.0.1:8080",
		Kafka:  KafkaConfig{Partitions: 16, Replication: 1, Listen: "127.0.0.1:0", CapMB: 512},
		ASR: ASRConfig{
			Model: "whisper-1", Language: "zh", Timeout: Duration(time.Minute), Parallel: 4, EndSilence: Duration(500 * time.Millisecond), Detector: string(asr.Voices),
		},
		Capture: CaptureConfig{Codec: string(capture.PCM), Pace: 1, SpoolMB: 20_000, Preroll: Duration(10 * time.Second), Listen: "127.0.0.1:8081"},
	}
}

// usageError is a mistake of whoever called: exit code 2.
type usageError struct{ error }

func misuse(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// LoadConfig reads the file, if path is not empty, then the environment.
func LoadConfig(path string, environ []string) (Config, []string, error) {
	c := DefaultConfig()
	if path != "" {
		meta, err := toml.DecodeFile(path, &c)
		var syntax toml.ParseError
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return c, nil, misuse("configuration %s: no such file", path)
		case errors.As(err, &syntax):
			return c, nil, misuse("configuration %s, line %d: %s", path, syntax.Position.Line, syntax.Message)
		case err != nil:
			return c, nil, misuse("configuration %s: %s", path, oneLine(err))
		}
		if unknown := meta.Undecoded(); len(unknown) > 0 {
			known := append(configKeys(reflect.TypeFor[Config](), ""), "kafka", "asr", "asr.phase", "asr.engine", "capture", "courtroom", "courtroom.seat")
			return c, nil, misuse("configuration %s: %s", path, unknownKeys(unknown, known))
		}
	}
	warnings, err := applyEnviron(&c, environ)
	if err != nil {
		return c, warnings, err
	}
	c.ASR.gather()
	return c, warnings, nil
}

// unknownKeys names all of them, once each, so that a file is put right in one go.
// What stands in an unknown table is not named beside it.
func unknownKeys(unknown []toml.Key, known []string) string {
	var named, said []string
	for _, k := range unknown {
		key := k.String()
		if slices.ContainsFunc(named, func(n string) bool { return key == n || strings.HasPrefix(key, n+".") }) {
			continue
		}
		named = append(named, key)
		said = append(said, fmt.Sprintf("unknown key %q%s", key, didYouMean(key, known)))
	}
	return strings.Join(said, "; ")
}

// gather makes asr.url one of several engines, and the first of several the one
// that stands for them all where somebody only asks whether there is any.
func (c *ASRConfig) gather() {
	if len(c.Engines) == 0 {
		return
	}
	if c.URL != "" {
		c.Engines = append([]EngineConfig{{URL: c.URL, APIKey: c.APIKey}}, c.Engines...)
	}
	c.URL = c.Engines[0].URL
	for i := range c.Engines {
		e := &c.Engines[i]
		e.Model, e.Language = cmp.Or(e.Model, c.Model), cmp.Or(e.Language, c.Language)
		e.Timeout, e.Parallel, e.Weight = cmp.Or(e.Timeout, c.Timeout), cmp.Or(e.Parallel, c.Parallel), cmp.Or(e.Weight, 1)
	}
}

// applyEnviron overrides single values by TINGJI_ variables. Tables of rooms
// and seats are for the file alone. A variable nobody knows is a warning, not
// an error: others may share our prefix.
func applyEnviron(c *Config, environ []string) (warnings []string, err error) {
	fields := map[string]reflect.Value{}
	envFields(reflect.ValueOf(c).Elem(), "TINGJI", fields)
	fields["TINGJI_KAFKA"] = reflect.ValueOf(&c.Kafka.Brokers).Elem() // as the flag --kafka is called
	fields["TINGJI_CONFIG"] = reflect.Value{}                         // read with the flags
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "TINGJI_") || strings.HasPrefix(name, "TINGJI_TEST_") {
			continue
		}
		field, known := fields[name]
		if !known {
			warnings = append(warnings, fmt.Sprintf("environment: %s is no setting of tingji%s", name, didYouMean(name, names)))
			continue
		}
		if !field.IsValid() {
			continue
		}
		if err := setField(field, value); err != nil {
			return warnings, misuse("environment %s=%q: %v", name, value, err)
		}
	}
	return warnings, nil
}

func envFields(v reflect.Value, prefix string, fields map[string]reflect.Value) {
	for i := range v.NumField() {
		name := prefix + "_" + strings.ToUpper(tomlName(v.Type().Field(i)))
		switch f := v.Field(i); {
		case f.Kind() == reflect.Struct:
			envFields(f, name, fields)
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct:
		default:
			fields[name] = f
		}
	}
}

func setField(f reflect.Value, value string) error {
	if u, ok := f.Addr().Interface().(interface{ UnmarshalText([]byte) error }); ok {
		return u.UnmarshalText([]byte(value))
	}
	switch f.Kind() {
	case reflect.String:
		f.SetString(value)
	case reflect.Int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return errors.New("not a whole number")
		}
		f.SetInt(int64(n))
	case reflect.Float64:
		x, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return errors.New("not a number")
		}
		f.SetFloat(x)
	case reflect.Bool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return errors.New("neither true nor false")
		}
		f.SetBool(b)
	case reflect.Slice:
		f.Set(reflect.ValueOf(splitList(value)))
	}
	return nil
}

// splitList reads a,b,c; spaces around the commas do not count.
func splitList(s string) []string {
	var list []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// configKeys lists the keys of a table type that hold a value, with their path.
func configKeys(t reflect.Type, prefix string) []string {
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		key := prefix + tomlName(f)
		ft := f.Type
		if ft.Kind() == reflect.Slice && ft.Elem().Kind() == reflect.Struct {
			ft = ft.Elem()
		}
		if ft.Kind() != reflect.Struct {
			keys = append(keys, key)
		} else {
			keys = append(keys, configKeys(ft, key+".")...)
		}
	}
	return keys
}

func tomlName(f reflect.StructField) string {
	if name := f.Tag.Get("toml"); name != "" {
		return name
	}
	return strings.ToLower(f.Name)
}

// didYouMean names the known word nearest to a wrong one, if any is near.
func didYouMean(word string, known []string) string {
	if len(known) == 0 {
		return ""
	}
	best := slices.MinFunc(known, func(a, b string) int {
		return levenshtein.ComputeDistance(word, a) - levenshtein.ComputeDistance(word, b)
	})
	if levenshtein.ComputeDistance(word, best) > max(1, (len(word)+1)/3) {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// String writes the duration as the file does.
func (d Duration) String() string { return time.Duration(d).String() }

// checkEngineURL holds an engine's address to its form; empty is none.
func checkEngineURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return misuse("asr.url = %q: not an address such as http://127.0.0.1:8000/v1", s)
	case !strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/v1"):
		return misuse("asr.url = %q: the base URL must end in /v1", s)
	}
	return nil
}

func (e EngineConfig) check() error {
	switch {
	case e.URL == "":
		return misuse("asr.engine %s: has no url", e.Name)
	case e.Parallel < 1 || e.Parallel > 256:
		return misuse("asr.engine %s: parallel = %d: 1 to 256", e.URL, e.Parallel)
	case e.Weight < 1 || e.Weight > 1000:
		return misuse("asr.engine %s: weight = %d: 1 to 1000", e.URL, e.Weight)
	case checkLanguage("asr.engine "+e.URL, e.Language) != nil:
		return checkLanguage("asr.engine "+e.URL, e.Language)
	case e.Timeout < 0:
		return misuse("asr.engine %s: timeout = %s: must be positive", e.URL, e.Timeout)
	case e.native() && e.Server != "":
		return misuse("asr.engine %s: server = %q is for http addresses", e.URL, e.Server)
	case e.native():
		return nil
	case e.Server != "" && !slices.Contains(openai.Servers(), e.Server):
		return misuse("asr.engine %s: server = %q: one of %s", e.URL, e.Server, strings.Join(openai.Servers(), ", "))
	}
	return checkEngineURL(e.URL)
}

// checkLanguage refuses what engines pass over without a word, and guess then.
func checkLanguage(where, language string) error {
	if strings.ContainsAny(language, "-_ ") {
		return misuse("%s: language = %q: two letters, such as zh", where, language)
	}
	return nil
}

func checkEndSilence(where string, d Duration) error {
	if t := time.Duration(d); t < 300*time.Millisecond || t > 3*time.Second || t%(10*time.Millisecond) != 0 {
		return misuse("%s: end_silence = %s: 300ms to 3s, in whole 10ms", where, t)
	}
	return nil
}

// native reports whether an engine speaks FunASR's own protocol.
func (e EngineConfig) native() bool {
	return strings.HasPrefix(e.URL, "ws://") || strings.HasPrefix(e.URL, "wss://")
}

// Check finds what cannot work, before anything is opened.
func (c *Config) Check() error {
	if err := tsa.CheckURL(c.TSA); err != nil {
		return misuse("tsa = %v", err)
	}
	if c.Kafka.Partitions < 1 || c.Kafka.Partitions > 512 {
		return misuse("kafka.partitions = %d: 1 to 512", c.Kafka.Partitions)
	}
	if c.Kafka.Replication < 1 {
		return misuse("kafka.replication = %d: at least 1", c.Kafka.Replication)
	}
	for _, host := range c.Hosts {
		if net.ParseIP(host) == nil && (strings.ContainsAny(host, "/: ") || host == "") {
			return misuse("hosts: %q: a name alone, such as tingji.court.example, without https:// and port", host)
		}
	}
	if err := checkLanguage("asr", c.ASR.Language); err != nil {
		return err
	}
	if c.Kafka.CapMB < 64 {
		return misuse("kafka.cap_mb = %d: at least 64", c.Kafka.CapMB)
	}
	if c.Capture.SpoolMB < 64 {
		return misuse("capture.spool_mb = %d: at least 64", c.Capture.SpoolMB)
	}
	if c.Capture.Backlog < 0 {
		return misuse("capture.backlog_mbit = %d: 0 for no limit, or Mbit/s", c.Capture.Backlog)
	}
	if c.Capture.Pace < 0 {
		return misuse("capture.pace = %g: 1 is real time, 0 as fast as possible", c.Capture.Pace)
	}
	if r := c.Capture.Rate; r != 0 && (r < 8000 || r > 192000) {
		return misuse("capture.rate = %d: 8000 to 192000 Hz, or 0 for the device's own", r)
	}
	if c.Capture.Preroll < 0 || c.Capture.Preroll > Duration(time.Minute) {
		return misuse("capture.preroll = %s: 0s to 1m", c.Capture.Preroll)
	}
	if err := checkLoopback("listen", c.Listen, "127.0.0.1:8080; others come in through a proxy, see docs/DEPLOY.md"); err != nil {
		return err
	}
	if c.Capture.Listen != "" {
		if err := checkLoopback("capture.listen", c.Capture.Listen, "127.0.0.1:8081"); err != nil {
			return err
		}
	}
	if codec := capture.Codec(c.Capture.Codec); codec != capture.PCM && codec != capture.FLAC {
		return misuse("capture.codec = %q: %s or %s", codec, capture.PCM, capture.FLAC)
	}
	if c.ASR.Parallel < 1 || c.ASR.Parallel > 256 {
		return misuse("asr.parallel = %d: 1 to 256", c.ASR.Parallel)
	}
	if err := checkEndSilence("asr", c.ASR.EndSilence); err != nil {
		return err
	}
	if d := asr.Detector(c.ASR.Detector); d != asr.Voices && d != asr.Levels {
		return misuse("asr.detector = %q: %s or %s", d, asr.Voices, asr.Levels)
	}
	for i, phase := range c.ASR.Phases {
		if !slices.Contains(transcript.Phases(), transcript.Phase(phase.Name)) {
			return misuse("asr.phase: there is no phase %q: one of %v", phase.Name, transcript.Phases())
		}
		if slices.ContainsFunc(c.ASR.Phases[:i], func(other PhaseConfig) bool { return other.Name == phase.Name }) {
			return misuse("asr.phase: %s is configured twice", phase.Name)
		}
		if err := checkEndSilence("asr.phase "+phase.Name, phase.EndSilence); err != nil {
			return err
		}
	}
	for _, room := range c.Courtrooms {
		for _, seat := range room.Seats {
			if err := checkEndSilence("courtroom "+room.ID+", seat "+seat.Channel, cmp.Or(seat.EndSilence, c.ASR.EndSilence)); err != nil {
				return err
			}
		}
	}
	if c.ASR.Timeout <= 0 {
		return misuse("asr.timeout = %s: must be positive", time.Duration(c.ASR.Timeout))
	}
	if len(c.ASR.Engines) == 0 {
		if err := checkEngineURL(c.ASR.URL); err != nil {
			return err
		}
	}
	for _, e := range c.ASR.Engines {
		if err := e.check(); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for _, room := range c.Courtrooms {
		if err := capture.CheckName(room.ID); err != nil {
			return misuse("courtroom id: %v", err)
		}
		if seen[room.ID] {
			return misuse("courtroom %s: configured twice", room.ID)
		}
		seen[room.ID] = true
		if p := room.Partition; p != nil && (*p < 0 || *p >= c.Kafka.Partitions) {
			return misuse("courtroom %s: partition %d, but kafka.partitions is %d", room.ID, *p, c.Kafka.Partitions)
		}
		if err := room.checkSeats(); err != nil {
			return err
		}
	}
	if room := c.Capture.Courtroom; room != "" && !seen[room] {
		known := make([]string, 0, len(seen))
		for id := range seen {
			known = append(known, id)
		}
		return misuse("capture.courtroom = %q: there is no [[courtroom]] of that id%s", room, didYouMean(room, known))
	}
	return nil
}

// checkLoopback holds an address to this machine: there are no accounts, so that
// whoever reaches the port may do everything. example is for the error.
func checkLoopback(key, listen, example string) error {
	host, _, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return misuse("%s = %q: an address of this machine only, such as %s", key, listen, example)
	}
	return nil
}

func (room CourtroomConfig) checkSeats() error {
	channels := map[string]bool{}
	for _, seat := range room.Seats {
		if err := capture.CheckName(seat.Channel); err != nil {
			return misuse("courtroom %s, seat channel: %v", room.ID, err)
		}
		if channels[seat.Channel] {
			return misuse("courtroom %s: channel %s has two seats", room.ID, seat.Channel)
		}
		channels[seat.Channel] = true
		if err := capture.CheckRole(seat.Role); err != nil {
			return misuse("courtroom %s, seat %s: %v", room.ID, seat.Channel, err)
		}
	}
	return nil
}
