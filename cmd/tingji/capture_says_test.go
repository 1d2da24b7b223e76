//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
	"tingji/store/kafka"
)

// threePlaces is what stands in the three places where a courtroom's trouble has to show.
type threePlaces struct {
	pc, log string
	page    []capture.Alarm // of the courtroom, as the pages get them
}

// TestBadInputIsSaidEverywhere gives courtrooms' PCs everything that can be wrong, one
// row for each: on the PC, in its log and on the server's page there is one line that
// says what to do, and the seats that can record go on.
func TestBadInputIsSaidEverywhere(t *testing.T) {
	needShell(t)
	rows := []struct {
		name     string
		room     string
		channel  string // "": of the courtroom
		code     string // of the alarm
		pc       string // on standard error of the daemon, or in `tingji capture check`
		log      string
		page, en string
	}{
		{"no such device", "3", "nowhere", "source-failed", `there is no input device "pannel"; the nearest is "panel"`,
			"source failed", "没有输入设备“pannel”；最接近的是“panel”", "connect it, or correct its name in the configuration"},
		{"channel past the device", "3", "beyond", "source-failed", `device "panel" has no channel 99999, it has 128; check the configuration`,
			"source failed", "没有第 99999 声道，共 128 个；请检查配置", "has no channel 99999"},
		{"two seats on one channel", "3", "twin", "source-failed", "seats judge and twin both hear exec:",
			"source failed", "席位 judge 和 twin 用了同一个声音输入", "Correct the configuration and run tingji capture reload"},
		{"text instead of samples", "3", "text", "source-failed", `prints "usage: a program that prints its" instead of bare samples; have it print them, as with -f s16le`,
			"source failed", "输出的不是原始 PCM 声音", "have it print them"},
		{"a WAV file instead of samples", "3", "wav", "source-failed", "prints WAV instead of bare samples",
			"source failed", "而是 WAV；请在命令中指定输出格式", "prints WAV"},
		{"no such program", "3", "absent", "source-failed", "program /no/such/program does not start",
			"source failed", "无法启动", "check the configuration"},
		{"a program that ends", "3", "ends", "source-failed", "has stopped (it ended) and is started again; check its command",
			"source failed", "正在重新启动；请检查它的命令", "is started again"},
		{"an unknown kind of source", "3", "wrong", "source-failed", `kind "portoudio" is unknown; did you mean "portaudio"?. Correct the configuration`,
			"source failed", "种类“portoudio”不存在；可用：portaudio、file、exec；请改正配置后运行 tingji capture reload", "run tingji capture reload"},
		{"no such recording", "4", "file", "source-failed", "no such file; check the name",
			"source failed", "没有这个文件；请检查文件名", "check the name"},
		{"no archive folder", "3", "", "archive-failed", "choose another folder (capture.archive)",
			"archive cannot be opened", "本机录音存档文件夹无法使用", "check the disk or network drive"},
		{"an archive that is read-only", "4", "judge", "archive-failed", "read-only file system; check the disk or network drive",
			"read-only file system", "暂存区照常录音。请检查磁盘或网络盘", "Check the disk or network drive"},
		{"an archive that is full", "5", "", "archive-failed", "free space",
			"the archive stops, the spool goes on", "本机录音存档停止写入", "Free space at once"},
		{"a spool of another courtroom", "6", "", "start-failed", `belongs to courtroom "7", not to "6": choose another folder, or correct the courtroom's name`,
			"", "属于法庭“7”，不属于“6”；请换一个数据文件夹", "then start it again"},
		{"a damaged spool", "7", "", "spool-damaged", "the local archive fills; check the disk",
			"spool file is damaged", "正从本机存档自动补齐；请检查磁盘", "check the disk"},
		{"a configuration of another courtroom", "8", "", "silent", `capture.courtroom = "88": there is no [[courtroom]] of that id; did you mean "8"?`,
			"", "录音程序没有运行", "Switch the courtroom's PC on"},
		{"a clock before 2020", "9", "", "clock-wrong", "set its clock, and have it kept right by NTP",
			"the clock is wrong", "请校准时间并启用网络对时", "have it kept right by NTP"},
	}

	broker := embeddedBroker(t)
	brokers := "TINGJI_KAFKA=" + strings.Join(broker.Addrs(), ",")

	// A sound card that plays a file for ever, without a sound server.
	home := t.TempDir()
	asound := "pcm.panel { type file slave.pcm \"null\" file \"/dev/null\" infile \"/dev/zero\" format \"raw\" hint { show on description \"panel\" } }\n"
	noFolder := filepath.Join(home, "archive")
	for path, text := range map[string]string{filepath.Join(home, ".asoundrc"): asound, noFolder: ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	readOnly, full := t.TempDir(), t.TempDir()
	mounted := mountSmall(t, readOnly, "size=64m", syscall.MS_RDONLY) && mountSmall(t, full, "size=40m", 0)
	if mounted {
		if err := os.WriteFile(filepath.Join(full, "films"), make([]byte, 36<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	archives := map[string]string{"3": noFolder, "4": readOnly, "5": full}

	var config strings.Builder
	room := func(id string, seats ...[2]string) {
		fmt.Fprintf(&config, "[[courtroom]]\nid = %q\nname = \"第%s审判庭\"\n", id, id)
		for _, s := range append([][2]string{{"judge", noiseSource}}, seats...) {
			fmt.Fprintf(&config, "[[courtroom.seat]]\nchannel = %q\nrole = \"证人\"\nsource = %q\n", s[0], s[1])
		}
	}
	room("3", [2]string{"nowhere", "portaudio:ALSA/pannel#1"}, [2]string{"beyond", "portaudio:ALSA/panel#99999"}, [2]string{"twin", noiseSource},
		[2]string{"text", "exec:echo usage: a program that prints its usage"}, [2]string{"wav", "exec:printf RIFF____WAVEfmt_and_more_of_the_head_of_a_file"},
		[2]string{"absent", "exec:/no/such/program"}, [2]string{"ends", "exec:true"}, [2]string{"wrong", "portoudio:x"})
	room("4", [2]string{"file", "file:/no/such/file.wav"})
	for _, id := range []string{"5", "6", "7", "8", "9"} {
		room(id)
	}
	path := writeConfig(t, config.String())
	server := start(t, "serve", "--config", path, "--kafka", strings.Join(broker.Addrs(), ","), "--data", t.TempDir(), "--listen", "127.0.0.1:0")

	environ := func(id, data string) []string {
		return []string{brokers, "HOME=" + home, "JACK_NO_START_SERVER=1", "TINGJI_CAPTURE_COURTROOM=" + id,
			"TINGJI_CAPTURE_ARCHIVE=" + archives[id], "TINGJI_DATA=" + data}
	}
	type place struct {
		pc      *pc
		environ []string
	}
	pcs := map[string]place{}
	for _, id := range []string{"3", "4", "5", "7"} {
		if (id == "4" || id == "5") && !mounted {
			continue
		}
		data := t.TempDir()
		if id == "7" {
			spoolState(t, data, "{damaged")
		}
		control := freePort(t)
		e := append(environ(id, data), "TINGJI_CAPTURE_LISTEN="+control)
		pcs[id] = place{startPC(t, path, control, e), e}
	}
	done := map[string]threePlaces{} // of daemons that end
	foreign := t.TempDir()
	spoolState(t, foreign, `{"v":1,"courtroom":"7","channels":{}}`)
	_, errs, code := tingji(t, environ("6", foreign), "capture", "--config", path)
	if lines := strings.Split(strings.TrimSpace(errs), "\n"); code != exitFailure || !strings.HasPrefix(lines[len(lines)-1], "tingji: ") {
		t.Errorf("a spool of another courtroom: exit %d: %s", code, errs)
	}
	done["6"] = threePlaces{pc: errs, log: errs}
	// capture check, which the page sends to, says it too.
	if out, _, _ := tingji(t, environ("6", foreign), "capture", "check", "--config", path, "--for", "50ms"); !strings.Contains(out, `FAIL  spool   spool `) || !strings.Contains(out, `belongs to courtroom "7"`) {
		t.Errorf("check of a spool of another courtroom:\n%s", out)
	}
	_, errs, code = tingji(t, environ("88", t.TempDir()), "capture", "--config", path)
	if code != exitMisuse || strings.Count(errs, "\n") != 1 {
		t.Errorf("a configuration of another courtroom: exit %d: %s", code, errs)
	}
	done["8"] = threePlaces{pc: errs, log: errs}
	_, clock := checkClock(time.Date(2000, 1, 1, 8, 0, 0, 0, time.UTC))
	health, log := longAgo(t)
	done["9"] = threePlaces{pc: fmt.Sprint(clock), log: log}

	for id, p := range pcs {
		ready := false
		for range 400 {
			if ready = p.pc.report().Courtroom != ""; ready {
				break
			}
			time.Sleep(25 * time.Millisecond)
		}
		if !ready {
			t.Fatalf("the PC of courtroom %s does not answer", id)
		}
	}
	// A seat that cannot be heard is told of before the hearing.
	if early := pcs["3"].pc; !eventually(20*time.Second, func() bool {
		return slices.ContainsFunc(early.report().Alarms, func(a capture.Alarm) bool {
			return a.Code == "source-failed" && a.Channel == "nowhere" && a.Hearing == ""
		})
	}) {
		t.Errorf("before the hearing: %+v", early.report().Alarms)
	}
	open := func(id string, exit int) string {
		_, errs, code := tingji(t, pcs[id].environ, "capture", "open", "--config", path)
		if code != exit {
			t.Errorf("courtroom %s, open: exit %d: %s", id, code, errs)
		}
		return errs
	}
	for id := range pcs {
		open(id, exitOK)
	}

	client, err := kafka.New(kafka.Config{Brokers: broker.Addrs(), Replication: 1}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	checked := map[string]string{}
	check := func(id string) {
		if p, runs := pcs[id]; runs {
			checked[id], _, _ = tingji(t, p.environ, "capture", "check", "--config", path, "--for", "50ms")
		}
	}
	look := func(id string) (s threePlaces) {
		s, ended := done[id]
		if p := pcs[id]; !ended {
			s.log, s.pc = p.pc.said.String(), checked[id]
		}
		if id == "9" { // what the PC would repeat every second
			health.At = time.Now()
			if err := (&courtLog{client: client}).PublishHealth(t.Context(), health); err != nil {
				t.Fatal(err)
			}
		}
		var system struct {
			Alarms []struct {
				capture.Alarm
				Courtroom string `json:"courtroom"`
			} `json:"alarms"`
		}
		if err := server.get("/api/v1/health", &system); err != nil {
			t.Fatal(err)
		}
		for _, a := range system.Alarms {
			if a.Courtroom == id {
				s.page = append(s.page, a.Alarm)
			}
		}
		return s
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if !mounted && (row.room == "4" || row.room == "5") {
				t.Skip("a small file system cannot be mounted here")
			}
			var s threePlaces
			missing := []string{}
			if !eventually(20*time.Second, func() bool {
				s, missing = look(row.room), missing[:0]
				of := slices.DeleteFunc(slices.Clone(s.page), func(a capture.Alarm) bool {
					return a.Code != row.code || a.Channel != row.channel || !strings.Contains(a.Text, row.page)
				})
				if len(of) != 1 || !strings.Contains(of[0].TextEN, row.en) || strings.Contains(of[0].Text+of[0].TextEN, "\n") {
					missing = append(missing, fmt.Sprintf("one %s of %q on the page: %q / %q", row.code, row.channel, row.page, row.en))
				}
				if row.log != "" && !logLine(s.log, row.log, row.channel) {
					missing = append(missing, "in the log: "+row.log)
				}
				return len(missing) == 0
			}) {
				b, _ := json.MarshalIndent(s.page, "", " ")
				t.Fatalf("missing %q; the page has %s", missing, b)
			}
			if !strings.Contains(s.pc, row.pc) { // it was asked before there was anything to say
				check(row.room)
				s = look(row.room)
			}
			if !strings.Contains(s.pc, row.pc) {
				t.Errorf("the PC does not say %q:\n%s", row.pc, s.pc)
			}
		})
	}

	// The seats that can record do.
	for id, p := range pcs {
		if r := p.pc.report(); len(r.Seats) == 0 || !r.Seats[0].Recording || r.Seats[0].Samples == 0 {
			t.Errorf("courtroom %s: the judge is not recorded: %+v", id, r.Seats)
		}
	}
	// A hearing is opened twice: by hand, and on the page.
	if errs := open("3", exitFailure); !strings.Contains(errs, "close it first") || strings.Count(errs, "\n") != 1 {
		t.Errorf("opened twice by hand: %s", errs)
	}
	if log := pcs["3"].pc.said.String(); !strings.Contains(log, "refused by hand") || !strings.Contains(log, "close it first") {
		t.Errorf("the log says nothing of a second opening")
	}
	var second capture.Hearing
	server.post("/api/v1/hearings", json.RawMessage(`{"case_no":"（2026）内0000民初7号","cause":"买卖合同纠纷","courtroom":"3","participants":[]}`), http.StatusCreated, &second)
	var refused struct {
		Detail string `json:"detail"`
	}
	server.post("/api/v1/hearings/"+second.ID+"/open", struct{}{}, http.StatusConflict, &refused)
	if !strings.Contains(refused.Detail, "还没有闭庭，请先将它闭庭") {
		t.Errorf("opened twice on the page: %q", refused.Detail)
	}
	for id, p := range pcs { // before what they record to is taken away
		p.pc.stop()
		for line := range strings.Lines(p.pc.said.String()) {
			if !strings.HasPrefix(line, "time=") {
				t.Errorf("courtroom %s: no line of the log, but one of a library's: %s", id, line)
			}
		}
	}
}

// TestLibrariesSayNothing looks for devices on a machine that has none but a made one:
// the sound libraries have much to say of that, and none of it comes on standard error.
func TestLibrariesSayNothing(t *testing.T) {
	home := t.TempDir()
	asound := "pcm.panel { type file slave.pcm \"null\" file \"/dev/null\" infile \"/dev/urandom\" format \"raw\" hint { show on description \"panel\" } }\n"
	if err := os.WriteFile(filepath.Join(home, ".asoundrc"), []byte(asound), 0o600); err != nil {
		t.Fatal(err)
	}
	config := writeConfig(t, "[capture]\ncourtroom = \"3\"\nlisten = \"\"\n[[courtroom]]\nid = \"3\"\n"+
		"[[courtroom.seat]]\nchannel = \"judge\"\nrole = \"审判长\"\nsource = \"portaudio:ALSA/panel\"\n"+
		"[[courtroom.seat]]\nchannel = \"clerk\"\nrole = \"书记员\"\nsource = \"portaudio:ALSA/pannel\"\n")
	environ := []string{"HOME=" + home, "JACK_NO_START_SERVER=1", "TINGJI_DATA=" + t.TempDir(), "TINGJI_KAFKA="}
	for command, want := range map[string]struct{ out, errs string }{
		"capture devices":            {"portaudio:ALSA/panel#1\t", ""},
		"capture meter --for 1500ms": {`the nearest is "panel"`, ""},
		"capture check --for 1500ms": {`the nearest is "panel"`, "of these do not work\n"},
	} {
		out, errs, _ := tingji(t, environ, append(strings.Fields(command), "--config", config)...)
		if strings.Contains(out+errs, "built without") {
			t.Skip("no PortAudio in this program")
		}
		if !strings.Contains(out, want.out) {
			t.Errorf("%s prints %q", command, out)
		}
		if errs != want.errs && (want.errs == "" || strings.Count(errs, "\n") != 1 || !strings.HasSuffix(errs, want.errs)) {
			t.Errorf("%s writes to standard error:\n%s", command, errs)
		}
	}
}

// logLine says whether one line of a log has the words, and is of the channel.
func logLine(log, words, channel string) bool {
	for line := range strings.Lines(log) {
		if strings.Contains(line, words) && (channel == "" || strings.Contains(line, "channel="+channel+" ")) {
			return true
		}
	}
	return false
}

func eventually(patience time.Duration, ok func() bool) bool {
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Since(began) > patience {
			return false
		}
	}
}

// mountSmall puts a small file system on a folder; false where that is not allowed.
func mountSmall(t *testing.T, dir, options string, flags uintptr) bool {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, options); err != nil {
		t.Logf("a small file system cannot be mounted here: %v", err)
		return false
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return true
}

func spoolState(t *testing.T, data, state string) {
	t.Helper()
	folder := filepath.Join(data, "capture", "spool")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "state.json"), []byte(state), 0o600); err != nil {
		t.Fatal(err)
	}
}

// longAgo is what the daemon of courtroom 9 says, and its log, on a PC whose clock
// begins with the year 2000: that of a bubble does.
func longAgo(t *testing.T) (h capture.Health, log string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		links := &nowhereLinks{}
		d, err := capture.NewDaemon(capture.Config{Courtroom: "9", Instance: "pc-9", Dir: t.TempDir(), Seats: []capture.SeatSource{
			{Channel: "judge", Role: "证人", Source: badSource{"9", "judge", os.ErrNotExist}}}},
			capture.Links{Hearings: links, Receipts: links, Log: links, Health: links}, slog.New(slog.NewTextHandler(&said, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		time.Sleep(3 * time.Second)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		links.mu.Lock()
		defer links.mu.Unlock()
		h, log = links.health, said.String()
	})
	return h, log
}

// nowhereLinks are a daemon's ways out that lead nowhere.
type nowhereLinks struct {
	mu     sync.Mutex
	health capture.Health
}

func (l *nowhereLinks) FollowHearings(ctx context.Context, _ func(capture.Hearing), loaded func()) error {
	loaded()
	<-ctx.Done()
	return nil
}

func (l *nowhereLinks) FollowReceipts(ctx context.Context, _ func(capture.Receipt), loaded func()) error {
	loaded()
	<-ctx.Done()
	return nil
}

func (l *nowhereLinks) Send(context.Context, string, []capture.Message) error { return nil }

func (l *nowhereLinks) ReportHealth(_ context.Context, h capture.Health) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !h.Stopped {
		l.health = h
	}
	return nil
}
