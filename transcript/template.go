package transcript

// A HearingTemplate is what the hearings of one kind of procedure begin with.
type HearingTemplate struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	NameEN string `json:"name_en"`
	// CaseTypes are those of the case numbers for which it is offered: 民初.
	CaseTypes []string `json:"case_types"`
	Roles     []string `json:"roles"` // the persons to ask for, in their order
	// Seats gives the usual roles of a courtroom's seats those of this
	// procedure: 原告 sits where 公诉人 does.
	Seats    map[string]string `json:"seats"`
	Hotwords []string          `json:"hotwords"` // terms that such hearings use
}

// HearingTemplates are those of the court, by kind of procedure.
func HearingTemplates() []HearingTemplate {
	single := map[string]string{"审判长": "独任审判员"}
	return []HearingTemplate{
		{"civil", "民事普通程序", "Civil", []string{"民初", "民终", "民再"},
			[]string{"审判长", "审判员", "人民陪审员", "书记员", "原告", "委托诉讼代理人", "被告", "委托诉讼代理人"},
			map[string]string{},
			[]string{"举证期限", "质证意见", "诉讼请求", "诉讼时效", "违约金", "连带责任"}},
		{"civil-simple", "民事简易程序", "Civil, simplified", []string{"民初"},
			[]string{"独任审判员", "书记员", "原告", "被告"},
			single,
			[]string{"简易程序", "当庭宣判", "诉讼请求", "违约金", "连带责任"}},
		{"criminal", "刑事普通程序", "Criminal", []string{"刑初", "刑终", "刑再"},
			[]string{"审判长", "审判员", "人民陪审员", "书记员", "公诉人", "被告人", "辩护人"},
			map[string]string{"原告": "公诉人", "被告": "被告人", "第三人": "辩护人"},
			[]string{"公诉机关", "起诉书", "认罪认罚", "取保候审", "自首", "最后陈述"}},
		{"criminal-simple", "刑事简易、速裁程序", "Criminal, simplified", []string{"刑初"},
			[]string{"独任审判员", "书记员", "公诉人", "被告人", "辩护人"},
			map[string]string{"审判长": "独任审判员", "原告": "公诉人", "被告": "被告人", "第三人": "辩护人"},
			[]string{"公诉机关", "起诉书", "认罪认罚", "具结书", "速裁程序", "最后陈述"}},
		{"administrative", "行政诉讼", "Administrative", []string{"行初", "行终", "行再"},
			[]string{"审判长", "审判员", "人民陪审员", "书记员", "原告", "诉讼代理人", "被告", "行政机关负责人"},
			map[string]string{},
			[]string{"行政行为", "行政复议", "行政处罚", "职权依据", "法律依据", "行政机关负责人出庭"}},
	}
}
