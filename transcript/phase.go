package transcript

import (
	"slices"
	"strings"
	"sync"

	"tingji/capture"
)

// Phase is a stage of a hearing.
type Phase string

// The phases, in the order in which a hearing usually runs through them; it may
// leave some out and go back to others.
const (
	PhaseOpening     Phase = "宣布开庭"
	PhaseInquiry     Phase = "法庭调查"
	PhaseEvidence    Phase = "举证质证"
	PhaseDebate      Phase = "法庭辩论"
	PhaseStatements  Phase = "最后陈述"
	PhaseMediation   Phase = "调解"
	PhaseBreak       Phase = "休庭"
	PhasePronouncing Phase = "宣判"
	PhaseClosing     Phase = "闭庭"
)

// Phases are all phases.
func Phases() []Phase {
	return []Phase{PhaseOpening, PhaseInquiry, PhaseEvidence, PhaseDebate, PhaseStatements,
		PhaseMediation, PhaseBreak, PhasePronouncing, PhaseClosing}
}

// PhaseProposal says that a phase seems to begin with a line. It is a proposal:
// the clerk confirms it.
type PhaseProposal struct {
	Phase   Phase  `json:"phase"`
	Line    string `json:"line"` // id
	StartMS int64  `json:"start_ms"`
	// Formula is what was said to open the phase, in the line Said: the line
	// itself, or one soon after it, as 现在继续开庭 is followed by 现在宣判.
	Formula string `json:"formula"`
	Said    string `json:"said"`
}

// ProposePhases finds the phases of a hearing in the bench's formulas: 现在进行
// 法庭调查. What only sounds like a formula counts too (现在进行法庭调茶); what
// others say does not, nor what speaks of a phase without opening it (法庭辩论
// 结束, 休庭以后, 不再调解).
//
// Lines come in the order of speech. More of them never take a proposal back.
func ProposePhases(lines []Line, h *capture.Hearing) []PhaseProposal {
	p := &proposer{bench: capture.Roles("")}
	p.formulas, p.sounds = benchFormulas()
	for i := range lines {
		p.hear(&lines[i])
	}
	if h.ClosedAt != nil {
		p.goOn()
	}
	return p.found
}

// preludeMS is how long before its formula a phase can begin.
const preludeMS = 5 * 60_000

// proposer follows one hearing.
type proposer struct {
	formulas []formula
	sounds   *sounds
	bench    []string
	found    []PhaseProposal
	now      Phase
	broken   Phase // what the break has interrupted
	prelude  *PhaseProposal
	resuming bool // the prelude ends a break: 现在继续开庭
}

func (p *proposer) hear(l *Line) {
	if l.Origin != Speech || l.Text == "" {
		return
	}
	if !slices.Contains(p.bench, baseRole(l.Role)) {
		// A party speaks: the hearing goes on where the break has interrupted it.
		p.goOn()
		return
	}
	f, said, ok := p.last(l.Text)
	if !ok {
		return
	}
	at := PhaseProposal{Phase: f.opens, Line: l.ID, StartMS: l.StartMS, Formula: said, Said: l.ID}
	switch {
	case f.kind == resumes || f.kind == opensHearing && p.now == PhaseBreak:
		p.prelude, p.resuming = &at, true
	case f.kind == precedes:
		if p.prelude == nil {
			p.prelude = &at
		}
	case f.opens != p.now:
		p.open(at)
	}
}

// last is the formula that a line ends with: 法庭调查结束，现在进行法庭辩论. What
// only precedes a formula yields to one in the same line.
func (p *proposer) last(text string) (found formula, said string, ok bool) {
	s := p.sounds.hear(text)
	end := -1
	for _, f := range p.formulas {
		if len(f.during) > 0 && !slices.Contains(f.during, p.now) {
			continue
		}
		from, to, is := f.find(s)
		if !is || f.kind == precedes && ok {
			continue // formulas that precede come last in the list
		}
		if to > end {
			found, said, ok, end = f, s.original(from, to), true, to
		}
	}
	return found, said, ok
}

// open begins a phase, with the prelude where that belongs to it.
func (p *proposer) open(at PhaseProposal) {
	if e := p.prelude; e != nil && at.StartMS-e.StartMS <= preludeMS && (p.resuming || e.Phase == at.Phase) {
		at.Line, at.StartMS = e.Line, e.StartMS
	}
	if at.Phase == PhaseBreak {
		p.broken = p.now
	}
	p.found = append(p.found, at)
	p.now, p.prelude, p.resuming = at.Phase, nil, false
}

// goOn returns to the phase that a break has interrupted, once it is over.
func (p *proposer) goOn() {
	if !p.resuming {
		return
	}
	at := *p.prelude
	if at.Phase = p.broken; at.Phase == "" {
		at.Phase = PhaseOpening
	}
	p.open(at)
}

// formulaKind is what a formula does.
type formulaKind int

const (
	opens        formulaKind = iota // begins its phase
	opensHearing                    // so does 现在开庭, but after a break it resumes
	resumes                         // ends a break; what comes next tells the phase
	precedes                        // belongs to its phase if the formula follows: 请阅读笔录后签名, 现在闭庭
)

// benchFormulas are the words that open a phase, as patterns over sounds: a
// character stands for its syllable, 不 and its kin are looked at by find.
// Those with phases behind them count only while one of these lasts.
var benchFormulas = sync.OnceValues(func() ([]formula, *sounds) {
	const (
		now     = `(?:现在|下面|接下来|首先)，?`
		begin   = `(?:开始|进行|进入|转入|恢复|继续)，?`
		hearing = `(?:开庭|庭审|审理|法庭审理)`
	)
	before := []Phase{"", PhaseClosing}
	return compileFormulas([]formula{
		{opens: PhaseOpening, kind: opensHearing, key: "开庭", pattern: `(?:现在|下面|宣布)，?(?:正式)?(?:宣布)?开庭`, during: []Phase{"", PhaseBreak, PhaseClosing}},
		{opens: PhaseOpening, key: "审理", pattern: `(?:依法|今天|今日|现在).{0,8}公开.{0,4}审理`, during: before},
		{opens: PhaseOpening, key: "法庭", pattern: `宣布.{0,3}法庭(?:纪律|规则)`, during: before},
		{opens: PhaseOpening, key: "核对", pattern: `核对.{0,8}(?:身份|到庭)`, during: before},
		{kind: resumes, pattern: `(?:现在|下面|本庭)，?.{0,2}(?:继续|恢复)，?` + hearing, during: []Phase{PhaseBreak}},

		{opens: PhaseInquiry, key: "法庭", pattern: `(?:` + now + `|` + begin + `)` + `(?:由.{2,5})?(?:` + begin + `)?法庭[调条]查`},
		{opens: PhaseEvidence, key: "证", pattern: `(?:` + now + `|` + begin + `)(?:由.{2,5})?(?:` + begin + `)?(?:法庭|当庭)?(?:举证|质证|示证)`},
		{opens: PhaseEvidence, key: "证", pattern: `(?:原告|公诉人|上诉人|被告)方?，?(?:先|开始|进行)?(?:向法庭|当庭)?(?:举证|(?:出示|提供|提交|宣读).{0,3}证据)`,
			during: []Phase{PhaseInquiry}},
		{opens: PhaseDebate, key: "辩论", pattern: `(?:` + now + `|` + begin + `)(?:` + begin + `)?(?:第.轮)?(?:法庭|互相|相互)?辩论`},
		{opens: PhaseStatements, key: "最后", pattern: `最后，?的?(?:陈述|意见)`, during: []Phase{PhaseInquiry, PhaseEvidence, PhaseDebate}},
		{opens: PhaseMediation, key: "解", pattern: `(?:现在|下面|接下来|本庭|法庭).{0,8}(?:进行|开始|主持|组织)，?.{0,2}[调条]解`},
		{opens: PhaseMediation, key: "解", pattern: `是否.{0,2}(?:愿意|同意|接受|要求|有).{0,8}[调条]解`},
		{opens: PhaseBreak, key: "休庭", pattern: `(?:现在|宣布|暂时|下面|本庭)，?(?:宣布)?(?:暂时)?休庭`},
		{opens: PhaseBreak, key: "休庭", pattern: `休庭，?.{1,4}分钟`},
		{opens: PhaseBreak, key: "休庭", pattern: `休庭，?(?:由|等|待|进行)?.{0,4}(?:合议|评议)`},
		{opens: PhasePronouncing, key: "判", pattern: now + `(?:当庭|公开|依法)?(?:进行)?(?:宣判|宣告判决|宣读.{0,4}判决|宣布判决)`},
		{opens: PhasePronouncing, key: "判决", pattern: `判决，?如下`},
		{opens: PhaseClosing, key: "闭庭", pattern: `(?:现在|宣布|下面)，?(?:宣布)?闭庭`},
		{opens: PhaseClosing, key: "结束", pattern: `(?:庭审|开庭|审理)(?:活动)?.{0,3}到此，?结束`},
		{opens: PhaseClosing, key: "闭庭", pattern: `^闭庭，?$`},
		{opens: PhaseClosing, kind: precedes, key: "笔录", pattern: `(?:阅读|阅看|核对|查阅).{0,4}笔录`},
		{opens: PhaseClosing, kind: precedes, key: "笔录", pattern: `笔录.{0,12}签[名字]`},
	})
})

// refused reports whether what stands around or inside of a formula takes it
// back: the words before it, itself, and the words behind it.
func refused(before, formula, after string, negatable bool) bool {
	near := func(s string, n int) string {
		r := []rune(s)
		return string(r[max(0, len(r)-n):])
	}
	if rest := []rune(after); strings.Contains(string(rest[:min(len(rest), 12)]), "权利") {
		return true // 你们有进行辩论和最后陈述的权利
	}
	if strings.ContainsAny(near(before, 2), "不没未勿") || negatable && strings.ContainsAny(formula, "不没未") {
		return true
	}
	for _, w := range []string{"一审", "原审", "上次", "前次", "曾经", "有权", "如果", "庭前已", "等到"} {
		if strings.Contains(near(before, 6), w) {
			return true
		}
	}
	after = strings.TrimPrefix(strings.TrimPrefix(after, "阶段"), "的")
	for _, w := range []string{"后", "以后", "之后", "时", "期间", "前", "之前", "以前", "过程", "中", "已经结束", "已结束", "到此结束", "结束",
		"终结", "完毕", "责任", "期限", "通知", "义务", "证号", "证件", "证复印件"} {
		if strings.HasPrefix(after, w) {
			return true
		}
	}
	return false
}
