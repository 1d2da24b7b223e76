package capture

import (
	"errors"
	"strings"
	"testing"
)

func TestParseCaseNo(t *testing.T) {
	tests := []struct {
		in, want string
		part     CaseNoPart // of the error
	}{
		{in: "（2024）内0102民初123号", want: "（2024）内0102民初123号"},
		{in: " (2026)内0000民初1号\n", want: "（2026）内0000民初1号"},
		{in: "（2024)最高法民终9号", want: "（2024）最高法民终9号"},
		{in: "（2019）最高法知民终12345678号", want: "（2019）最高法知民终12345678号"},
		{in: "（2024）京民终1号", want: "（2024）京民终1号"},
		{in: "（2024）粤0391执恢2号", want: "（2024）粤0391执恢2号"},
		{in: "（2024）沪01行初007号", want: "（2024）沪01行初007号"},
		{in: "", part: PartYear},
		{in: "内0102民初123号", part: PartYear},
		{in: "（24）内0102民初123号", part: PartYear},
		{in: "（20245）内0102民初123号", part: PartYear},
		{in: "（3024）内0102民初123号", part: PartYear},
		{in: "（2024内0102民初123号", part: PartYear},
		{in: "（２０２４）内0102民初123号", part: PartYear},
		{in: "（2024）港0102民初123号", part: PartCourt},
		{in: "（2024）", part: PartCourt},
		{in: "（2024）内01025民初123号", part: PartCourt},
		{in: "（2024）内0102初民123号", part: PartType},
		{in: "（2024）内0102123号", part: PartCourt},
		{in: "（2024）内0102号", part: PartType},
		{in: "（2024）内0102民初号", part: PartNumber},
		{in: "（2024）内0102民初", part: PartNumber},
		{in: "（2024）内0102民初123456789号", part: PartNumber},
		{in: "（2024）内0102民初123", part: PartEnd},
		{in: "（2024）内0102民初123号之一", part: PartEnd},
		{in: "（2024）内0102民初12a号", part: PartEnd},
	}
	for _, tt := range tests {
		got, err := ParseCaseNo(tt.in)
		if tt.part == "" {
			if err != nil || got.String() != tt.want {
				t.Errorf("%q: %q, %v", tt.in, got, err)
			}
			continue
		}
		var refused *CaseNoError
		if !errors.As(err, &refused) || refused.Part != tt.part || refused.Text == "" || strings.ContainsRune(err.Error(), '\n') {
			t.Errorf("%q: got %v, want the %s to be wrong", tt.in, err, tt.part)
		}
	}
	if c, _ := ParseCaseNo("（2019）最高法知民终1号"); c.Special != "知" || c.Type != "民终" || c.Court != "最高法" || c.Year != 2019 {
		t.Errorf("parts %+v", c)
	}
}

func FuzzParseCaseNo(f *testing.F) {
	for _, s := range []string{"（2024）内0102民初123号", "(2019)最高法知民终1号", "（2024）", "\xff", "（2024）内01"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCaseNo(s)
		if err != nil {
			return
		}
		if again, err := ParseCaseNo(c.String()); err != nil || again != c {
			t.Fatalf("%q: %q is read as %v, %v", s, c, again, err)
		}
	})
}
