package audio

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tingji/capture"
	"tingji/store"
)

func TestStores(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.log.add(0, chunks("h1", "judge", 100)...) // two files and a half
		b.log.add(1, chunks("h1", "原告", 7)...)
		b.log.add(1, chunks("h1", "clerk", 3)...)
		b.settle()
		b.stored("judge", 1, 100)
		b.stored("原告", 1, 7)
		b.stored("clerk", 1, 3)
		b.receipt("judge", 1, 100, 0)
		b.receipt("原告", 1, 7, 0)
		b.alarmed("[]")
		files, err := b.db.AudioFiles(t.Context(), "h1")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := files[3].File, "2026/h1/judge/1-3.wav"; got != want || files[3].FirstSeq != 81 || files[3].LastSeq != 100 {
			t.Errorf("file %+v, want %s", files[3], want)
		}
		if spans, err := b.db.AudioSpans(t.Context(), "h1"); err != nil || len(spans) != 3 {
			t.Errorf("spans %+v, %v", spans, err)
		}
		// Any player can open a file that is still being written.
		raw, err := os.ReadFile(filepath.Join(b.dir, "2026/h1/原告/1-1.wav"))
		if want := wavHeader(7 * chunkSamples); err != nil || !slices.Equal(raw[:headerSize], want[:]) {
			t.Errorf("header %x, %v", raw[:headerSize], err)
		}
	})
}

func TestRestart(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		all := chunks("h1", "judge", 90)
		b.log.add(0, all[:50]...)
		b.settle()
		b.stop()
		b.log.add(0, all[50:70]...)

		// A crash leaves a file longer than confirmed, its header torn.
		name := filepath.Join(b.dir, "2026/h1/judge/1-2.wav")
		appendTo(t, name, make([]byte, 12345))
		b.receipts.forget()
		b.start()
		b.settle()
		b.stored("judge", 1, 70)
		b.receipt("judge", 1, 70, 0)
		b.stop()

		// What is confirmed is receipted again, also when nothing new comes,
		// and a file that is not written any more is cut all the same.
		appendTo(t, name, make([]byte, 12345))
		b.receipts.forget()
		b.start()
		b.settle()
		b.receipt("judge", 1, 70, 0)
		if info, err := os.Stat(name); err != nil || info.Size() != fileSize(30*chunkSamples) {
			t.Errorf("file has %d bytes, %v", info.Size(), err)
		}
		b.log.add(0, all[70:]...)
		b.settle()
		b.stored("judge", 1, 90)
	})
}

func appendTo(t *testing.T, name string, content []byte) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
}

// A log that was lost and filled again, or whose offset is gone, is read from
// its start: numbers tell what is known.
func TestRepeats(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		all := chunks("h1", "judge", 30)
		b.log.add(0, all[:10]...)
		b.log.add(0, all[5:12]...)
		b.settle()
		b.stored("judge", 1, 12)
		b.stop()
		b.log = newFakeLog(2)
		b.log.add(0, all[:8]...) // fewer than our offset
		b.receipts.forget()
		b.start()
		b.settle()
		b.log.add(0, all[8:]...)
		b.settle()
		b.stored("judge", 1, 30)
		b.receipt("judge", 1, 30, 0)

		// A courtroom that sends again has not seen the receipt.
		b.receipts.forget()
		b.log.add(0, all[29])
		b.settle()
		b.receipt("judge", 1, 30, 0)
		if len(b.log.aside) > 0 {
			t.Errorf("repetitions were set aside: %v", b.log.aside)
		}
	})
}

func TestGap(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		all := chunks("h1", "judge", 30)
		b.log.add(0, all[:10]...)
		b.log.add(0, all[12:15]...)
		b.log.add(0, chunks("h1", "clerk", 5)...) // the others go on
		b.settle()
		b.stored("judge", 1, 10)
		b.stored("clerk", 1, 5)
		b.receipt("judge", 1, 10, 11)
		states, err := b.db.AudioStates(t.Context(), "h1")
		if err != nil || states[1].Missing != 11 {
			t.Errorf("states %+v, %v", states, err)
		}

		// It asks again every two seconds, also after a start, and says so.
		asked := b.receipts.count()
		b.after(5 * askEvery)
		if n := b.receipts.count() - asked; n < 4 || n > 6 {
			t.Errorf("asked %d times in 10 s", n)
		}
		b.alarmed("[audio-gap]")
		b.stop()
		b.receipts.forget()
		b.start()
		b.settle()
		b.receipt("judge", 1, 10, 11)

		b.log.add(0, all[10:20]...)
		b.settle()
		b.stored("judge", 1, 20)
		b.receipt("judge", 1, 20, 0)
		b.after(askEvery)
		b.alarmed("[]")
	})
}

func TestGapAtFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		all := chunks("h1", "judge", 6)
		b.log.add(0, all[3:]...)
		b.settle()
		b.receipt("judge", 0, 0, 1)
		b.log.add(0, all...)
		b.settle()
		b.stored("judge", 1, 6)
		b.receipt("judge", 1, 6, 0)
	})
}

func TestSetAside(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		all := chunks("h1", "judge", 6)
		b.log.add(0, all[:2]...)
		b.log.addMessage(0, Message{Err: errors.New("bad checksum"), Raw: capture.Message{Key: []byte("h1/judge")}})
		b.log.add(0, all[3:5]...)
		outside := all[0]
		outside.Hearing = "../../etc"
		b.log.add(1, outside)
		b.settle()
		b.receipt("judge", 1, 2, 3)
		if got := fmt.Sprint(b.log.aside); got != "[unreadable 0@2 unreadable 1@0]" && got != "[unreadable 1@0 unreadable 0@2]" {
			t.Errorf("set aside %v", got)
		}
		b.log.add(0, all[2:]...)
		b.settle()
		b.stored("judge", 1, 6)
	})
}

// A message that cannot be set aside is not passed over.
func TestSetAsideFails(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.log.refuseAside(errors.New("broker away"))
		b.log.addMessage(0, Message{Err: errors.New("bad checksum")})
		b.settle()
		if next, err := b.db.Offset(t.Context(), Topic, 0); err != nil || next != 0 {
			t.Errorf("offset %d, %v", next, err)
		}
		b.alarmed("[audio-archive-failing]")
		b.log.refuseAside(nil)
		b.after(time.Minute)
		if next, err := b.db.Offset(t.Context(), Topic, 0); err != nil || next != 1 {
			t.Errorf("offset %d, %v", next, err)
		}
		b.alarmed("[]")
	})
}

func TestImpossible(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.log.add(0, chunks("h1", "judge", 3)...)
		b.log.add(0, chunk("h1", "judge", 1, 4, 2)) // overlaps
		b.log.add(0, chunk("h1", "judge", 1, 5, 3))
		b.log.add(0, chunk("h1", "judge", 2, 6, 0))
		b.log.add(0, chunk("h1", "judge", 1, 7, 4)) // of an epoch that is over
		b.log.add(0, chunk("h1", "judge", 2, 8, 1))
		b.settle()
		b.stored("judge", 1, 4)
		b.stored("judge", 2, 2)
		b.receipt("judge", 2, 8, 0)
		if got := fmt.Sprint(b.log.aside); got != "[impossible 0@3 impossible 0@6]" {
			t.Errorf("set aside %v", got)
		}
	})
}

// The sample count of an epoch may jump: what is missing stays silent.
func TestJump(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.log.add(0, chunks("h1", "judge", 2)...)
		b.log.add(0, chunk("h1", "judge", 1, 3, 5))
		b.settle()
		files, err := b.db.AudioFiles(t.Context(), "h1")
		if err != nil || len(files) != 2 || files[1].First != 5*chunkSamples || files[1].Samples != chunkSamples {
			t.Errorf("files %+v, %v", files, err)
		}
		b.receipt("judge", 1, 3, 0)
	})
}

// What is lost for good is said by the chunk behind it, or by one without
// samples in the place of the last: the channel goes on, and no zeros are stored.
func TestLost(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		all := chunks("h1", "judge", 12)
		behind, mark := all[5], all[8]
		behind.Lost = 3
		mark.Lost, mark.First, mark.Samples = 8, mark.Next(), nil
		b.log.add(0, all[:2]...)
		b.log.add(0, behind, all[6], mark)
		b.settle()
		b.receipt("judge", 1, 9, 0)
		end := all[10]
		end.Samples, end.End = nil, capture.EndClose
		b.log.add(0, all[9], end)
		b.settle()
		b.receipt("judge", 1, 11, 0)
		files, err := b.db.AudioFiles(t.Context(), "h1")
		if err != nil || len(files) != 3 {
			t.Fatalf("files %+v, %v", files, err)
		}
		for i, want := range [][2]capture.SampleIndex{{0, 2}, {5, 2}, {9, 1}} {
			if f := files[i]; f.First != want[0]*chunkSamples || f.Samples != want[1]*chunkSamples {
				t.Errorf("file %d: from %d, %d samples", i+1, f.First, f.Samples)
			}
		}
	})
}

func TestEpochs(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		list := chunks("h1", "judge", 3)
		list[2].End = capture.EndPause
		b.log.add(0, list...)
		b.settle()
		if states, err := b.db.AudioStates(t.Context(), "h1"); err != nil || !states[0].Ended {
			t.Errorf("states %+v, %v", states, err)
		}
		b.log.add(0, chunk("h1", "judge", 2, 4, 0), chunk("h1", "judge", 2, 5, 1))
		b.settle()
		b.stored("judge", 1, 3)
		b.stored("judge", 2, 2)
		b.receipt("judge", 2, 5, 0)
		if states, err := b.db.AudioStates(t.Context(), "h1"); err != nil || states[0].Ended || states[0].Samples != 2*chunkSamples {
			t.Errorf("states %+v, %v", states, err)
		}
	})
}

// A courtroom that lost its spool goes on from our last receipt, while chunks
// that it had sent before are still on their way: the same numbers, new sound.
func TestSpoolLost(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.log.add(0, chunks("h1", "judge", 8)...) // receipted up to 4, say
		b.log.add(0, chunk("h1", "judge", 2, 5, 0), chunk("h1", "judge", 2, 6, 1))
		b.log.add(0, chunks("h1", "judge", 8)[6:]...) // a late repetition
		b.log.add(0, chunk("h1", "judge", 2, 7, 2))
		b.settle()
		b.stored("judge", 1, 8)
		b.stored("judge", 2, 3)
		b.receipt("judge", 2, 7, 0)
	})
}

// Sound of a hearing that nobody knows, and that no other knows either, is
// kept: this bench stores no hearing at all. Its silence lets go of the files.
func TestIdle(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.log.add(0, chunks("h1", "judge", 3)...)
		b.settle()
		b.after(idleAfter + 2*askEvery)
		b.log.add(0, chunks("h1", "judge", 5)[3:]...)
		b.settle()
		b.stored("judge", 1, 5)
	})
}

func TestDamagedFile(t *testing.T) {
	for name, spoil := range map[string]func(string) error{
		"shortened":   func(f string) error { return os.Truncate(f, 1000) },
		"gone":        os.Remove,
		"overwritten": func(f string) error { return os.WriteFile(f, make([]byte, fileSize(5*chunkSamples)), 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				all := chunks("h1", "judge", 9)
				b.log.add(0, all[:5]...)
				b.log.add(1, chunks("h1", "clerk", 2)...)
				b.settle()
				b.stop()
				if err := spoil(filepath.Join(b.dir, "2026/h1/judge/1-1.wav")); err != nil {
					t.Fatal(err)
				}
				b.start()
				b.log.add(0, all[5:]...)
				b.settle()
				b.receipt("judge", 1, 9, 0)
				b.alarmed("[audio-file-damaged]")
				b.stored("clerk", 1, 2)
				files, err := b.db.AudioFiles(t.Context(), "h1")
				if err != nil || len(files) != 3 || files[2].Part != 2 || files[2].First != 5*chunkSamples || files[2].Samples != 4*chunkSamples {
					t.Errorf("files %+v, %v", files, err)
				}
			})
		})
	}
}

// A file that the database does not know may be the only copy.
func TestUnknownFileKept(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		name := filepath.Join(b.dir, "2026/h1/judge/1-1.wav")
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, make([]byte, fileSize(2*flushSamples+1)), 0o644); err != nil {
			t.Fatal(err)
		}
		b.log.add(0, chunks("h1", "judge", 3)...)
		b.settle()
		b.stored("judge", 1, 3)
		kept, err := filepath.Glob(name + ".kept-*")
		if err != nil || len(kept) != 1 {
			t.Errorf("kept %v, %v", kept, err)
		}
	})
}

// With a database from a backup, what is behind the confirmed samples may be the
// only copy, too.
func TestUnknownEndKept(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		all := chunks("h1", "judge", 6)
		b.log.add(0, all[:3]...)
		b.settle()
		b.stop()
		name := filepath.Join(b.dir, "2026/h1/judge/1-1.wav")
		const size = headerSize + 2*(3*chunkSamples+2*flushSamples+1)
		if err := os.Truncate(name, size); err != nil {
			t.Fatal(err)
		}
		b.start()
		b.log.add(0, all[3:]...)
		b.settle()
		b.stored("judge", 1, 6)
		if info, err := os.Stat(name); err != nil || info.Size() != size {
			t.Errorf("%v, %v: want %d bytes", info, err, int64(size))
		}
		files, err := b.db.AudioFiles(t.Context(), "h1")
		if err != nil || len(files) != 2 || files[1].Part != 2 || files[1].First != 3*chunkSamples {
			t.Errorf("files %+v, %v", files, err)
		}
	})
}

// A channel whose PC was switched off for good never ends. A start does not read its
// file, nor those of all before it; a chunk that comes after all does.
func TestOldFilesLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		all := chunks("h1", "judge", 6)
		b.log.add(0, all[:3]...)
		b.settle()
		b.stop()
		name := filepath.Join(b.dir, "2026/h1/judge/1-1.wav")
		const size = headerSize + 2*4*chunkSamples
		if err := os.Truncate(name, size); err != nil {
			t.Fatal(err)
		}
		time.Sleep(receiptsAgain + time.Hour)
		b.start()
		b.settle()
		if info, err := os.Stat(name); err != nil || info.Size() != size {
			t.Errorf("%v, %v: the file was opened", info, err)
		}
		b.log.add(0, all[3:]...)
		b.settle()
		b.stored("judge", 1, 6)
		if info, err := os.Stat(name); err != nil || info.Size() != fileSize(6*chunkSamples) {
			t.Errorf("%v, %v", info, err)
		}
	})
}

func TestReceiptsFail(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.receipts.failWith(errors.New("broker away"))
		b.log.add(0, chunks("h1", "judge", 5)...)
		b.settle()
		b.log.add(0, chunks("h1", "judge", 9)[5:]...)
		b.settle()
		b.stored("judge", 1, 9) // storing does not wait
		b.receipts.failWith(nil)
		b.after(2 * firstRetry)
		b.receipt("judge", 1, 9, 0)
		if n := b.receipts.count(); n != 1 {
			t.Errorf("%d receipts, want the newest only", n)
		}
	})
}

func TestLogBreaks(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.log.add(0, chunks("h1", "judge", 5)...)
		b.settle()
		b.log.breakWith(errors.New("no route to host"))
		b.settle()
		b.alarmed("[broker-unreachable]")
		b.log.add(0, chunks("h1", "judge", 9)[5:]...)
		b.after(time.Minute)
		b.alarmed("[broker-unreachable]")
		b.log.breakWith(nil)
		b.after(lastRetry + 2*askEvery)
		b.stored("judge", 1, 9)
		b.alarmed("[]")
	})
}

// Nothing is confirmed that the database does not have.
func TestDatabaseFails(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.log.add(0, chunks("h1", "judge", 5)...)
		b.settle()
		b.db.Close()
		b.log.add(0, chunks("h1", "judge", 9)[5:]...)
		b.after(time.Minute)
		b.receipt("judge", 1, 5, 0)
		b.alarmed("[audio-archive-failing]")
	})
}

// What was read when the program ends is stored, not thrown away.
func TestStopStores(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.settle()
		b.log.add(0, chunks("h1", "judge", 3)...)
		time.Sleep(time.Millisecond) // less than flushEvery
		b.stop()
		b.stored("judge", 1, 3)
	})
}

func TestRecentOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.stop()
		now := time.Now()
		err := b.db.StoreAudio(t.Context(), store.AudioBatch{Channels: []store.AudioChannel{
			{Hearing: "h1", Channel: "old", Epoch: 1, Seq: 1, Samples: 1, Ended: true, StoredAt: now.Add(-receiptsAgain - time.Hour)},
			{Hearing: "h1", Channel: "new", Epoch: 1, Seq: 1, Samples: 1, Ended: true, StoredAt: now.Add(-receiptsAgain + time.Hour)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		b.start()
		b.settle()
		b.receipt("old", 0, 0, 0)
		b.receipt("new", 1, 1, 0)
	})
}
