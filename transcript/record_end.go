package transcript

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tingji/capture"
)

// CorrectionLines are the requests for correction and what became of them, as
// they stand under the text, with a heading; nil where nobody asked.
func (r *Record) CorrectionLines() []string {
	if len(r.Corrections) == 0 {
		return nil
	}
	show := heardText
	if r.Style.Written != nil {
		form := r.Style.Written.For(&r.Hearing)
		show = func(s string) string { return heardText(form.Write(s).Text) }
	}
	lines := []string{"补正请求及处理："}
	for _, c := range r.Corrections {
		s := fmt.Sprintf("%s．%s%s请求将%s处%s“%s”补正为“%s”。", c.ID, heardText(c.By.Role), heardText(c.By.Name),
			elapsed(c.StartMS), heardText(c.Role), show(c.Text), show(c.Says))
		if c.Note != "" {
			s += "说明：" + sentence(c.Note)
		}
		lines = append(lines, s+"处理："+ruling(c.Decision, show))
	}
	return lines
}

func ruling(d *Decision, show func(string) string) string {
	if d == nil {
		return "尚未处理。"
	}
	s := "不予补正。"
	if d.Outcome == Accepted {
		s = "准予补正，现记为“" + show(d.Text) + "”。"
	}
	if d.Reason != "" {
		s += "理由：" + sentence(d.Reason)
	}
	return s
}

// sentence is what somebody wrote, on one line and with an end.
func sentence(s string) string {
	s = heardText(s)
	if strings.HasSuffix(s, "。") || strings.HasSuffix(s, "！") || strings.HasSuffix(s, "？") {
		return s
	}
	return s + "。"
}

// elapsed is a place on the hearing's clock: 01:02:03.
func elapsed(ms int64) string {
	s := ms / 1000
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// ExplanationLines are the written explanations of stretches without sound,
// with a heading; nil where there are none.
func (r *Record) ExplanationLines() []string {
	if len(r.Hearing.Explanations) == 0 {
		return nil
	}
	list := slices.Clone(r.Hearing.Explanations)
	slices.SortFunc(list, func(a, b capture.Explanation) int { return cmp.Compare(a.FromMS, b.FromMS) })
	lines := []string{"录音中断的书面说明："}
	for i, e := range list {
		lines = append(lines, fmt.Sprintf("%d．%s至%s：%s", i+1, elapsed(e.FromMS), elapsed(e.ToMS), sentence(e.Text)))
	}
	return lines
}

// ReadingLines say who has read the record, with a heading; nil where nobody
// has, and in the copy that is published.
func (r *Record) ReadingLines() []string {
	if len(r.Hearing.Readings) == 0 || r.Style.Publication {
		return nil
	}
	lines := []string{"阅读确认："}
	for _, p := range r.Hearing.Readings {
		how := "自行阅读"
		if p.Manner == capture.ReadAloud {
			how = "听取宣读"
		}
		found := "确认无误。"
		if p.Remark != "" {
			found = "意见：" + sentence(p.Remark)
		}
		lines = append(lines, fmt.Sprintf("%s%s于%s%s，%s", heardText(p.Role), heardText(p.Name), courtTime(p.At.In(beijing), true), how, found))
	}
	return lines
}

// EndLines are all that stands between the text and the signatures.
func (r *Record) EndLines() []string {
	return slices.Concat(r.CorrectionLines(), r.ExplanationLines(), r.ReadingLines())
}

// SigningFields say under a record how it was signed, the integrity check value
// last; nil before, and in the copy that is published.
func (r *Record) SigningFields() []Field {
	s := r.Hearing.Signing
	if s == nil || r.Style.Publication {
		return nil
	}
	fields := []Field{{"签名人", personList(s.Signers)}}
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, Field{name, value})
		}
	}
	add("未签名", personList(s.Unsigned))
	add("未签名的原因", heardText(s.Reason))
	if s.Overrule != "" {
		add("存疑处理", fmt.Sprintf("有 %d 处存疑，仍予签名，理由：%s", s.Doubts, heardText(s.Overrule)))
	}
	add("签名时间", courtTime(s.At.In(beijing), true))
	add("完整性校验值（SHA-256）", s.Integrity)
	return fields
}

func personList(persons []capture.Participant) string {
	var list []string
	for _, p := range persons {
		list = append(list, heardText(p.Role)+heardText(p.Name))
	}
	return strings.Join(list, "、")
}
