package pdf

import (
	"encoding/xml"
	"os"
	"strings"
)

// stands lists what a record is printed with where the machine lacks the font
// that the court's form names, the most alike first. Without it the system takes
// any font with Chinese characters: upright strokes of one width, often in the
// Japanese shapes (直, 骨, 没), which a court's record must not have.
var stands = []struct{ fonts, by []string }{
	{[]string{"仿宋", "FangSong", "仿宋_GB2312", "FangSong_GB2312"},
		[]string{"仿宋", "FangSong", "仿宋_GB2312", "FangSong_GB2312", "Noto Serif CJK SC", "Source Han Serif SC", "AR PL UMing CN", "BabelStone Han"}},
	{[]string{"方正小标宋简体", "FZXiaoBiaoSong-B05S", "宋体", "SimSun", "NSimSun"},
		[]string{"宋体", "SimSun", "Noto Serif CJK SC", "Source Han Serif SC", "AR PL UMing CN", "BabelStone Han"}},
	{[]string{"黑体", "SimHei"}, []string{"Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Zen Hei"}},
	{[]string{"楷体", "KaiTi", "楷体_GB2312"}, []string{"AR PL UKai CN", "Noto Serif CJK SC", "Source Han Serif SC"}},
	{[]string{"Times New Roman"}, []string{"Liberation Serif", "Tinos", "Noto Serif CJK SC"}},
}

// fontconfig is a configuration of fontconfig that has stands beside what the
// machine's own says (FONTCONFIG_FILE, else /etc/fonts/fonts.conf).
func fontconfig() []byte {
	own := os.Getenv("FONTCONFIG_FILE")
	if own == "" {
		own = "/etc/fonts/fonts.conf"
	}
	var b strings.Builder
	element := func(name, attributes, text string) {
		b.WriteString("<" + name + attributes + ">")
		_ = xml.EscapeText(&b, []byte(text)) // a Builder does not fail
		b.WriteString("</" + name + ">\n")
	}
	b.WriteString("<?xml version=\"1.0\"?>\n<!DOCTYPE fontconfig SYSTEM \"fonts.dtd\">\n<fontconfig>\n")
	for _, s := range stands {
		for _, font := range s.fonts {
			// The font itself is taken where it is there; behind it, these.
			b.WriteString("<alias binding=\"same\">\n")
			element("family", "", font)
			b.WriteString("<accept>\n")
			for _, by := range s.by {
				element("family", "", by)
			}
			b.WriteString("</accept>\n</alias>\n")
		}
	}
	element("include", ` ignore_missing="yes"`, own)
	b.WriteString("</fontconfig>\n")
	return []byte(b.String())
}
