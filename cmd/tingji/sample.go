package main

import (
	"context"
	"log/slog"
	"slices"

	"tingji/asr/demo"
	"tingji/capture"
	"tingji/testdata/hearing"
	"tingji/transcript"
)

// sampleRoom is the id of the courtroom in which the sample hearing is held.
const sampleRoom = "sample"

// sampleCourtroom is the room of the sample hearing, a seat for each recording.
func sampleCourtroom(ref *hearing.Hearing) CourtroomConfig {
	room := CourtroomConfig{ID: sampleRoom, Name: ref.Courtroom}
	for _, r := range ref.Recordings {
		seat := SeatConfig{Channel: r.Channel, Role: r.Role, Speaker: r.Speaker, Source: "sample:" + r.Channel}
		if seat.Role == unannounced {
			seat.Speaker = ""
		}
		room.Seats = append(room.Seats, seat)
	}
	return room
}

// unannounced is a role of whose name nobody is told: the defendant has brought a
// witness. Whoever tries the sample hearing can put that name right when it is first
// said, and see it right when the witness is called.
const unannounced = "证人"

// sampleAnnouncement is the sample hearing as somebody would announce it.
func sampleAnnouncement(ref *hearing.Hearing) transcript.NewHearing {
	n := transcript.NewHearing{
		CaseNo: ref.CaseNo, Cause: ref.Cause, Courtroom: sampleRoom, Public: &ref.Public,
		Hotwords: slices.Clone(ref.Hotwords), Demo: true,
	}
	for _, p := range ref.Participants {
		if p.Role == unannounced {
			n.Hotwords = slices.DeleteFunc(n.Hotwords, func(w string) bool { return w == p.Name })
			continue
		}
		n.Participants = append(n.Participants, capture.Participant{Role: p.Role, Name: p.Name})
	}
	return n
}

// openSample finds the sample hearing that is under way, or opens a new one. A
// sample hearing that has ended stays the last one unless again is set; open
// tells whether there is one to play.
func openSample(ctx context.Context, docket *transcript.Docket, ref *hearing.Hearing, again bool) (h capture.Hearing, open bool, err error) {
	held, err := docket.Hearings(ctx, transcript.HearingFilter{Courtroom: sampleRoom, Limit: 1})
	if err != nil {
		return h, false, err
	}
	if len(held) > 0 {
		h = held[0]
	}
	switch {
	case h.Status == capture.Open, h.Status == capture.Paused:
		return h, true, nil
	case h.Status == capture.Scheduled:
	case h.ID != "" && !again:
		return h, false, nil
	default:
		if h, err = docket.Create(ctx, sampleAnnouncement(ref)); err != nil {
			return h, false, err
		}
	}
	h, err = docket.Open(ctx, h.ID)
	return h, true, err
}

// openSampleIn opens a new sample hearing in another courtroom than its own.
func openSampleIn(ctx context.Context, docket *transcript.Docket, ref *hearing.Hearing, room string) error {
	announced := sampleAnnouncement(ref)
	announced.Courtroom = room
	h, err := docket.Create(ctx, announced)
	if err != nil {
		return err
	}
	_, err = docket.Open(ctx, h.ID)
	return err
}

// demoEngine makes the demonstration engine for the sample hearing. It knows
// nothing else.
func demoEngine(ref *hearing.Hearing, opts demo.Options, log *slog.Logger) *demo.Server {
	recordings := make([]demo.Recording, len(ref.Recordings))
	for i, r := range ref.Recordings {
		rec := demo.Recording{Name: r.Channel, Rate: ref.Rate, PCM: r.PCM}
		for _, s := range ref.Sentences {
			if s.Channel != r.Channel {
				continue
			}
			for _, w := range s.Words {
				rec.Words = append(rec.Words, demo.Word{
					Text: w.Text, Punct: w.Punct,
					Start: int(w.StartMS) * ref.Rate / 1000, End: int(w.EndMS) * ref.Rate / 1000,
				})
			}
		}
		for _, b := range ref.Bleed {
			if b.Channel == r.Channel {
				rec.Bleed = append(rec.Bleed, demo.Bleed{From: b.From, Delay: int(b.DelayMS) * ref.Rate / 1000})
			}
		}
		recordings[i] = rec
	}
	return demo.New(recordings, opts, log)
}
