package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tingji/asr"
	"tingji/capture"
)

const sampleConfig = "../../deploy/tingji.toml"

// TestSampleConfigIsTheDefault: the commented sample changes nothing, and shows
// every key there is, the tables' in its commented part.
func TestSampleConfigIsTheDefault(t *testing.T) {
	c, _, err := LoadConfig(sampleConfig, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultConfig()
	want.Hosts, want.Kafka.Brokers = []string{}, []string{} // written as [] there
	if !reflect.DeepEqual(c, want) {
		t.Errorf("the sample gives\n%+v\nthe defaults are\n%+v", c, want)
	}

	text, err := os.ReadFile(sampleConfig)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	table := ""
	header := regexp.MustCompile(`^(?:# )?\[+([a-z.]+)\]+$`)
	key := regexp.MustCompile(`^(?:# )?([a-z_]+) = `)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if m := header.FindStringSubmatch(line); m != nil {
			table = m[1] + "."
		} else if m := key.FindStringSubmatch(line); m != nil {
			shown[table+m[1]] = true
		}
	}
	known := configKeys(reflect.TypeFor[Config](), "")
	for _, k := range known {
		if !shown[k] {
			t.Errorf("%s is not in the sample", k)
		}
		delete(shown, k)
	}
	for k := range shown {
		t.Errorf("the sample shows %s, which is no key", k)
	}
	if len(known) < 20 {
		t.Errorf("only %d keys found: the walk is wrong", len(known))
	}
}

func TestConfigPrecedence(t *testing.T) {
	file := writeConfig(t, "court = \"文件\"\nlisten = \"127.0.0.1:1\"\n[asr]\nurl = \"http://file/v1\"\nparallel = 2\n")
	c, warnings, err := LoadConfig(file, []string{
		"TINGJI_LISTEN=127.0.0.1:2", "TINGJI_ASR_PARALLEL=3", "TINGJI_ASR_TIMEOUT=5s",
		"TINGJI_KAFKA=a:1, b:2", "TINGJI_TEST_X=1", "HOME=/",
	})
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if c.Court != "文件" || c.Listen != "127.0.0.1:2" || c.ASR.Parallel != 3 || c.ASR.URL != "http://file/v1" ||
		c.ASR.Timeout.String() != "5s" || !slices.Equal(c.Kafka.Brokers, []string{"a:1", "b:2"}) {
		t.Errorf("got %+v", c)
	}
	flag := "http://flag/v1"
	joints{ASRURL: &flag}.apply(&c)
	if c.ASR.URL != flag {
		t.Errorf("the flag does not win: %s", c.ASR.URL)
	}
}

func TestConfigRefuses(t *testing.T) {
	seat := "[[courtroom]]\nid = \"3\"\n[[courtroom.seat]]\nchannel = \"judge\"\nrole = \"审判长\"\nsource = \"file:a.wav\"\n"
	for _, tt := range []struct{ name, text, want string }{
		{"unknown key", "[asr]\nurll = \"x\"\n", `unknown key "asr.urll"; did you mean "asr.url"?`},
		{"unknown table", "[kafak]\nbrokers = []\n", `did you mean "kafka`},
		{"several keys", "curt = 1\n[kafka]\npasswd = \"x\"\n[nowhere]\na = 1\nb = 2\n",
			`unknown key "curt"; did you mean "court"?; unknown key "kafka.passwd"; did you mean "kafka.password"?; unknown key "nowhere"` + "\n"},
		{"a host with its scheme", "hosts = [\"https://tingji.court.example/\"]\n", "a name alone"},
		{"no copy", "[kafka]\nreplication = 0\n", "at least 1"},
		{"language with a country", "[asr]\nlanguage = \"zh-CN\"\n", "two letters"},
		{"engine's language", "[[asr.engine]]\nurl = \"http://a:1/v1\"\nlanguage = \"zh-CN\"\n", "two letters"},
		{"unlike any key", "bogus = 1\n", `unknown key "bogus"` + "\n"},
		{"syntax", "court = \n", "line 1"},
		{"a port for everybody", "listen = \"0.0.0.0:8080\"\n", "this machine only"},
		{"no host", "listen = \":8080\"\n", "this machine only"},
		{"no port", "listen = \"127.0.0.1\"\n", "this machine only"},
		{"another machine's", "listen = \"10.0.0.5:8080\"\n", "docs/DEPLOY.md"},
		{"control for everybody", "[capture]\nlisten = \":8081\"\n", "capture.listen"},
		{"type", "[asr]\nparallel = \"two\"\n", "parallel"},
		{"duration", "[asr]\ntimeout = \"soon\"\n", "no duration"},
		{"end silence", "[asr]\nend_silence = \"5s\"\n", "300ms to 3s"},
		{"a seat's end silence", seat + "end_silence = \"1ms\"\n", "seat judge"},
		{"a phase's end silence", "[[asr.phase]]\nname = \"宣判\"\nend_silence = \"1ms\"\n", "asr.phase 宣判"},
		{"a phase nobody knows", "[[asr.phase]]\nname = \"午休\"\nend_silence = \"1s\"\n", "最后陈述"},
		{"a phase twice", strings.Repeat("[[asr.phase]]\nname = \"宣判\"\nend_silence = \"1s\"\n", 2), "twice"},
		{"detector", "[asr]\ndetector = \"ears\"\n", "voices or levels"},
		{"time-stamp authority", "tsa = \"tsa.example.cn\"\n", "tsa = "},
		{"partitions", "[kafka]\npartitions = 0\n", "1 to 512"},
		{"codec", "[capture]\ncodec = \"mp3\"\n", "pcm_s16le or flac"},
		{"engine without scheme", "[asr]\nurl = \"localhost:8000/v1\"\n", "asr.url"},
		{"engine without v1", "[asr]\nurl = \"http://localhost:8000\"\n", "/v1"},
		{"engine of a pool without url", "[[asr.engine]]\nname = \"a\"\n", "no url"},
		{"engine of a pool without v1", "[[asr.engine]]\nurl = \"http://a:1\"\n", "/v1"},
		{"engine of an unknown kind", "[[asr.engine]]\nurl = \"http://a:1/v1\"\nserver = \"whisperx\"\n", "localai"},
		{"engine with a kind twice", "[[asr.engine]]\nurl = \"ws://a:1\"\nserver = \"funasr\"\n", "http"},
		{"engine of negative weight", "[[asr.engine]]\nurl = \"http://a:1/v1\"\nweight = -1\n", "weight"},
		{"engine's unknown key", "[[asr.engine]]\nurll = \"http://a:1/v1\"\n", "asr.engine.url"},
		{"room twice", seat + seat, "configured twice"},
		{"seat twice", seat + strings.TrimPrefix(seat, "[[courtroom]]\nid = \"3\"\n"), "two seats"},
		{"role", strings.Replace(seat, "审判长", "审判常", 1), "审判长"},
		{"other room", seat + "[capture]\ncourtroom = \"4\"\n", `capture.courtroom = "4"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _, err := LoadConfig(writeConfig(t, tt.text), nil)
			if err == nil {
				err = c.Check()
			}
			if err == nil || !strings.Contains(err.Error()+"\n", tt.want) {
				t.Fatalf("got %v, want …%s…", err, tt.want)
			}
			if report(discard{}, err) != exitMisuse {
				t.Errorf("%v: not reported as misuse", err)
			}
		})
	}
}

// TestEndSilences: a seat's own silence, a phase's from when it was confirmed, and the
// longer of both.
func TestEndSilences(t *testing.T) {
	c, _, err := LoadConfig(writeConfig(t, `
[[asr.phase]]
name = "最后陈述"
end_silence = "800ms"
[[courtroom]]
id = "3"
[[courtroom.seat]]
channel = "judge"
role = "审判长"
end_silence = "1s"
[[courtroom.seat]]
channel = "plaintiff"
role = "原告"
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{config: c}
	h := capture.Hearing{Courtroom: "3"}
	mark := func(phase string) {
		h.Phases = append(h.Phases, capture.PhaseMark{Line: phase, Phase: phase, At: time.Unix(int64(len(h.Phases)), 0)})
	}
	check := func(judge, plaintiff time.Duration) {
		t.Helper()
		for channel, want := range map[string]time.Duration{"judge": judge, "plaintiff": plaintiff} {
			if got := a.pauses(h, channel).End; got != want {
				t.Errorf("%s after %v: %v, want %v", channel, h.Phases, got, want)
			}
		}
	}
	check(time.Second, 500*time.Millisecond)
	mark("最后陈述")
	check(time.Second, 800*time.Millisecond)
	mark("") // this line begins none
	check(time.Second, 800*time.Millisecond)
	mark("宣判")
	check(time.Second, 500*time.Millisecond)
}

// TestSeveralEngines: asr.url is one of them, what they leave out is as in asr,
// and --asr-url means that one alone.
func TestSeveralEngines(t *testing.T) {
	c, _, err := LoadConfig(writeConfig(t, `[asr]
url = "http://one/v1"
api_key = "secret"
model = "large"
parallel = 3
[[asr.engine]]
name = "two"
url = "ws://two:10095"
weight = 2
[[asr.engine]]
url = "http://three/v1"
server = "whisper"
model = "small"
parallel = 1
`), nil)
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		t.Fatal(err)
	}
	minute := Duration(time.Minute)
	want := []EngineConfig{
		{URL: "http://one/v1", APIKey: "secret", Model: "large", Language: "zh", Timeout: minute, Parallel: 3, Weight: 1},
		{Name: "two", URL: "ws://two:10095", Model: "large", Language: "zh", Timeout: minute, Parallel: 3, Weight: 2},
		{URL: "http://three/v1", Server: "whisper", Model: "small", Language: "zh", Timeout: minute, Parallel: 1, Weight: 1},
	}
	if !reflect.DeepEqual(c.ASR.Engines, want) || c.ASR.URL != "http://one/v1" {
		t.Errorf("got %+v", c.ASR)
	}
	a := &app{config: c, log: slog.New(slog.DiscardHandler)}
	engine, err := a.engine("")
	if err != nil {
		t.Fatal(err)
	}
	if pool, ok := engine.(*asr.Pool); !ok || pool.Parallel() != 7 {
		t.Errorf("%T", engine)
	}
	flag := "http://flag/v1"
	joints{ASRURL: &flag}.apply(&c)
	if c.ASR.URL != flag || len(c.ASR.Engines) != 0 {
		t.Errorf("the flag does not win: %+v", c.ASR)
	}
}

func TestUnknownVariableIsNamed(t *testing.T) {
	_, warnings, err := LoadConfig("", []string{"TINGJI_ASR_ULR=x"})
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "TINGJI_ASR_URL") {
		t.Errorf("got %v, %v", warnings, err)
	}
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tingji.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
