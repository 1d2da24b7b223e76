package docx_test

import (
	"slices"
	"testing"

	"tingji/transcript"
)

// Whatever was said or typed, the document is well-formed XML and has exactly
// the words of the record.
func FuzzWrite(f *testing.F) {
	f.Add("审判长", "现在开庭。")
	f.Add("被告", "\"借条\" <是我写的> & 'ok' ]]> {{.Court}}")
	f.Add("", "\x00\x0b\u2028\ufffe\uffff\U0010ffff\xff\xed\xa0\x80")
	f.Add("证人\r\n", "一\n\n二\t三")
	f.Fuzz(func(t *testing.T, role, text string) {
		r := record()
		r.Lines = []transcript.Line{{Role: role, Text: text, Revision: 1}}
		parts := write(t, r)
		got := words(t, "document", parts["word/document.xml"])
		for _, turn := range r.Turns() {
			want := turn.Shown
			if turn.Label != "" {
				want = turn.Label + "：" + want
			}
			if !slices.Contains(got, want) {
				t.Errorf("no paragraph %q in %q", want, got)
			}
		}
	})
}
