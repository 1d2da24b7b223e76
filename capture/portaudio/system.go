//go:build cgo

package portaudio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/agnivade/levenshtein"
	pa "github.com/gordonklaus/portaudio"

	"tingji/capture"
)

// System is the PortAudio library. A process has one: the library keeps its
// state in globals, and opening and closing are not safe in it at once. System
// is safe for use by several goroutines.
type System struct {
	log  *slog.Logger
	rate int        // that devices are opened at where they take it, in Hz; 0: their own
	mu   sync.Mutex // around every call but reads

	open   map[place]*device
	wanted map[string]int                                // channels that seats are on, by device name
	takes  func(p pa.StreamParameters, buf ...any) error // whether a device takes a format; tests have another
}

// New makes the system, whose devices are opened at a rate in Hz where they take
// it; 0: at their own. The library is started with the first stream.
func New(rate int, log *slog.Logger) *System {
	return &System{log: log, rate: rate, open: map[place]*device{}, wanted: map[string]int{}, takes: pa.IsFormatSupported}
}

// Devices lists what sound can be taken from. While a stream is open it is the
// list of when the first was opened: PortAudio looks for devices only when it
// starts.
func (s *System) Devices() ([]Device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := initialize(); err != nil {
		return nil, fmt.Errorf("start PortAudio: %w", err)
	}
	defer s.terminate()
	infos, err := pa.Devices()
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	var devices []Device
	for _, d := range infos {
		if d.MaxInputChannels > 0 {
			devices = append(devices, Device{HostAPI: d.HostApi.Name, Name: stableName("/sys", d.Name), Channels: d.MaxInputChannels, Rate: int(d.DefaultSampleRate)})
		}
	}
	return devices, nil
}

// initialize starts the library, once more; terminate ends it as often.
func initialize() error {
	hush()
	passOver()
	return pa.Initialize()
}

func (s *System) terminate() {
	if err := pa.Terminate(); err != nil {
		s.log.Warn("PortAudio does not end in order", "err", err)
	}
}

// Source is one channel of a device. It implements [capture.Source].
type Source struct {
	system  *System
	hostAPI string
	device  string
	channel int
}

// Source names a device and one of its channels, counted from 0. An empty
// hostAPI is any. Nothing is opened yet.
func (s *System) Source(hostAPI, device string, channel int) *Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted[device] = max(s.wanted[device], channel+1)
	return &Source{system: s, hostAPI: hostAPI, device: device, channel: channel}
}

// Resumable is false: what was not heard is gone.
func (s *Source) Resumable() bool { return false }

// Open starts the device, or joins it where another seat has done so.
func (s *Source) Open(context.Context, capture.SampleIndex) (capture.Stream, error) {
	s.system.mu.Lock()
	defer s.system.mu.Unlock()
	if err := initialize(); err != nil {
		return nil, fmt.Errorf("start PortAudio: %w", err)
	}
	st, err := s.open()
	if err != nil {
		s.system.terminate()
		return nil, err
	}
	return st, nil
}

// open joins the device if it is open, else opens it.
func (s *Source) open() (*stream, error) {
	info, err := s.find()
	if err != nil {
		return nil, err
	}
	if s.channel < 0 || s.channel >= info.MaxInputChannels {
		return nil, &capture.SourceError{
			Text:   fmt.Sprintf("设备“%s”没有第 %d 声道，共 %d 个；请检查配置", info.Name, s.channel+1, info.MaxInputChannels),
			TextEN: fmt.Sprintf("device %q has no channel %d, it has %d; check the configuration", info.Name, s.channel+1, info.MaxInputChannels),
		}
	}
	at := place{info.HostApi.Name, info.Name}
	if d := s.system.open[at]; d != nil && d.channels > s.channel {
		st, err := newStream(s, d)
		if err != nil {
			return nil, err
		}
		if d.join(st) {
			s.system.terminate() // the device holds the library open
			return st, nil
		}
	}
	// All channels up to the last one that a seat is on are asked for: PortAudio has
	// no other choice. Of a card it is all of them, as it can be opened only once, and a
	// seat may come later.
	channels := min(max(s.system.wanted[s.device], s.channel+1), info.MaxInputChannels)
	if isHardware(info.Name) && info.MaxInputChannels <= mostChannels {
		channels = info.MaxInputChannels
	}
	d, err := s.system.openDevice(at, info, channels)
	if err != nil {
		return nil, err
	}
	st, err := newStream(s, d)
	if err != nil {
		return nil, errors.Join(err, d.pa.Abort(), d.pa.Close())
	}
	d.join(st)
	s.system.open[at] = d
	go d.run()
	return st, nil
}

// mostChannels is more than a card of a courtroom has.
const mostChannels = 64

func failed(device, what string, err error) error {
	why := err.Error() // empty for some that have vanished
	if why == "" {
		why = "no reason is given"
	}
	return &capture.SourceError{
		Text:   fmt.Sprintf("设备“%s”无法使用（%s）；请检查连接", device, why),
		TextEN: fmt.Sprintf("device %q: cannot %s (%s); check that it is connected and not in use", device, what, why),
		Err:    err,
	}
}

// nearestMost is how many names are offered for one that is not there.
const nearestMost = 3

// find looks for the device by its exact name, with the number of its card or its
// place on the bus, and knows the nearest when there is none.
func (s *Source) find() (*pa.DeviceInfo, error) {
	infos, err := pa.Devices()
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	type other struct {
		name     string
		distance int
	}
	var others []other
	for _, d := range infos {
		if d.MaxInputChannels == 0 || s.hostAPI != "" && d.HostApi.Name != s.hostAPI {
			continue
		}
		stable := stableName("/sys", d.Name)
		if s.device == stable || s.device == d.Name {
			return d, nil
		}
		others = append(others, other{stable, levenshtein.ComputeDistance(stable, s.device)})
	}
	slices.SortStableFunc(others, func(a, b other) int { return cmp.Compare(a.distance, b.distance) })
	zh, en := "没有任何输入设备；请检查声卡的连接和用户权限（audio 组）", "there is no input device at all; check that a sound card is connected and that this user may use it (group audio)"
	if len(others) > 0 {
		var names, namesEN []string
		for _, o := range others[:min(len(others), nearestMost)] {
			names, namesEN = append(names, "“"+o.name+"”"), append(namesEN, strconv.Quote(o.name))
		}
		zh = "最接近的是" + strings.Join(names, "、") + "；请接好设备，或改正配置中的名称"
		en = "the nearest is " + strings.Join(namesEN, ", then ") + "; connect it, or correct its name in the configuration"
	}
	return nil, &capture.SourceError{
		Text:   fmt.Sprintf("没有输入设备“%s”；%s", s.device, zh),
		TextEN: fmt.Sprintf("there is no input device %q; %s", s.device, en),
	}
}
