package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
	"github.com/mewkiz/flac/meta"
)

// flacBlock is the number of samples in a FLAC frame. The encoder has no
// partitions of the residual: short blocks adapt better than long ones.
const flacBlock = 512

// maxFLACBytes bounds a FLAC value. What cannot be predicted is kept verbatim:
// 2 bytes a sample, less than 24 a frame, and the stream's head.
const maxFLACBytes = 2*MaxChunkSamples + 24*(MaxChunkSamples/flacBlock+1) + 64

// encodeFLAC writes samples as one FLAC stream, losslessly.
func encodeFLAC(samples []int16) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(samples)*3/2 + 64)
	enc, err := flac.NewEncoder(&out, &meta.StreamInfo{
		BlockSizeMin: flacBlock, BlockSizeMax: flacBlock,
		SampleRate: Rate, NChannels: 1, BitsPerSample: 16, NSamples: uint64(len(samples)),
	})
	if err != nil {
		return nil, fmt.Errorf("encode FLAC: %w", err)
	}
	block := make([]int32, flacBlock)
	for rest := samples; len(rest) > 0; {
		n := min(len(rest), flacBlock)
		for i, s := range rest[:n] {
			block[i] = int32(s)
		}
		rest = rest[n:]
		f := &frame.Frame{
			Header: frame.Header{
				HasFixedBlockSize: true, BlockSize: uint16(n), SampleRate: Rate,
				Channels: frame.ChannelsMono, BitsPerSample: 16,
			},
			Subframes: []*frame.Subframe{{
				SubHeader: frame.SubHeader{Pred: frame.PredVerbatim}, // the encoder looks for better
				Samples:   block[:n], NSamples: n,
			}},
		}
		if err := enc.WriteFrame(f); err != nil {
			return nil, fmt.Errorf("encode FLAC: %w", err)
		}
	}
	return out.Bytes(), nil
}

// decodeFLAC reads a FLAC stream of at most MaxChunkSamples, mono, 16 bits, at
// Rate.
func decodeFLAC(b []byte) ([]int16, error) {
	if len(b) > maxFLACBytes {
		return nil, fmt.Errorf("%d bytes of FLAC", len(b))
	}
	s, err := flac.New(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("FLAC: %w", err)
	}
	if s.Info.NChannels != 1 || s.Info.BitsPerSample != 16 || s.Info.SampleRate != Rate || s.Info.NSamples > MaxChunkSamples {
		return nil, fmt.Errorf("FLAC of %d samples, %d channels, %d bits, %d Hz", s.Info.NSamples, s.Info.NChannels, s.Info.BitsPerSample, s.Info.SampleRate)
	}
	samples := make([]int16, 0, s.Info.NSamples)
	for {
		f, err := s.ParseNext()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("FLAC at sample %d: %w", len(samples), err)
		}
		if len(f.Subframes) != 1 || f.BitsPerSample != 16 || len(samples)+len(f.Subframes[0].Samples) > MaxChunkSamples {
			return nil, fmt.Errorf("FLAC at sample %d: a frame that does not belong here", len(samples))
		}
		for _, v := range f.Subframes[0].Samples {
			samples = append(samples, int16(v))
		}
	}
	if n := s.Info.NSamples; n != 0 && n != uint64(len(samples)) {
		return nil, fmt.Errorf("FLAC of %d samples holds %d", n, len(samples))
	}
	return samples, nil
}
