package lexicon

import (
	"slices"
	"strings"
	"testing"

	"github.com/mozillazg/go-pinyin"
)

func TestSplit(t *testing.T) {
	for syllable, want := range map[string]string{
		"zhang3": "zh ang", "shi4": "sh ih", "si4": "s iz", "yi1": "i", "yuan2": "van", "jun1": "j vn", "xue2": "x ve", "lv4": "l v", "lve4": "l ve",
		"wu3": "u", "weng1": "ong", "er2": "er", "e4": "e", "ai4": "ai", "ju2": "j v", "liu2": "l iu", "xiong2": "x iong",
	} {
		got, err := Split(syllable)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v %v, want %s", syllable, got, err, want)
		}
	}
	for _, bad := range []string{"", "zh", "hello", "bx", "1"} {
		if got, err := Split(bad); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

// TestEverySyllable: whatever the dictionary of characters gives can be split,
// into phones that the model has.
func TestEverySyllable(t *testing.T) {
	phones := Phones()
	args := pinyin.NewArgs()
	args.Heteronym = true
	seen := 0
	var bad []string
	for r := rune(0x4e00); r < 0x9fa6; r++ {
		for _, s := range pinyin.SinglePinyin(r, args) {
			seen++
			split, err := Split(s)
			if err != nil {
				bad = append(bad, string(r)+" "+s)
				continue
			}
			for _, p := range split {
				if !slices.Contains(phones, p) {
					t.Errorf("%c %s: no phone %s", r, s, p)
				}
			}
		}
	}
	if seen < 20000 {
		t.Fatalf("only %d readings", seen)
	}
	// Interjections such as hm are no words of a hearing.
	if len(bad) > seen/1000 {
		t.Errorf("%d of %d cannot be split: %v", len(bad), seen, bad[:20])
	}
}

func TestReader(t *testing.T) {
	r, err := NewReader(strings.NewReader("# readings\n还款 huan2 kuan3\n银行 yin2 hang2\n吗 ma5\n"))
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]string{"还款": "huan2 kuan3", "还是": "hai2 shi4", "银行还款吗": "yin2 hang2 huan2 kuan3 ma5", "的": "de5"} {
		got, err := r.Read(word)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v %v, want %s", word, got, err, want)
		}
	}
	if _, err := r.Read("还A"); err == nil {
		t.Error("a letter can be read")
	}
	if _, err := NewReader(strings.NewReader("还款 huan2\n")); err == nil {
		t.Error("a reading that is too short is taken")
	}
}

func TestEvery(t *testing.T) {
	r, err := NewReader(strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	ways, err := r.Every("单长行")
	if err != nil {
		t.Fatal(err)
	}
	if first := strings.Join(ways[0], " "); first != "dan1 zhang3 xing2" && first != "dan1 chang2 xing2" {
		t.Errorf("first is %s", first)
	}
	if len(ways) < 4 || len(ways) > maxReadings {
		t.Errorf("%d ways: %v", len(ways), ways)
	}
	var sounds []string
	for _, w := range ways {
		p, err := Pronounce(w)
		if err != nil || slices.Contains(sounds, p) {
			t.Errorf("%v: %q %v, twice or unspeakable", w, p, err)
		}
		sounds = append(sounds, p)
	}
}

// TestNames: surnames are read as surnames too, and rare characters at all.
func TestNames(t *testing.T) {
	r, err := NewReader(strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"单志强": "shan4 zhi4 qiang2", "仇英": "qiu2 ying1", "区少坤": "ou1 shao3 kun1", "解晓东": "xie4 xiao3 dong1", "曾国藩": "zeng1 guo2 fan1",
		"朴正熙": "piao2 zheng4 xi1", "尉迟恭": "yu4 chi2 gong1", "万俟卨": "mo4 qi2 xie4", "盖叫天": "ge3 jiao4 tian1", "翟天临": "zhai2 tian1 lin2",
		"𬭚飞": "chun2 fei1", "贾䶮": "jia3 yan3", "爨宝": "cuan4 bao3", "彧晞喆": "yu4 xi1 zhe2",
	} {
		all, err := r.Every(name)
		if err != nil || !slices.ContainsFunc(all, func(s []string) bool { return strings.Join(s, " ") == want }) {
			t.Errorf("%s: %v, %v; want %s among them", name, all, err, want)
		}
		for _, s := range all {
			if _, err := Pronounce(s); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
