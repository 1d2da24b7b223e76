package capture

import (
	"errors"
	"testing"
)

func TestCheckRole(t *testing.T) {
	for _, good := range []string{"审判长", "原告", "原告一", "原告九", "原告2", "原告10", "原告99", "第三人", "第三人二", "有专门知识的人", "公诉人", "行政机关负责人"} {
		if err := CheckRole(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, nearest := range map[string]string{
		"审判张": "审判长", "原告十": "原告", "原告0": "原告", "原告100": "原告", "原告01": "原告", "辨护人": "辩护人", "judge": "", "": "", "一": "", "原告 一": "原告",
	} {
		var refused *RoleError
		if err := CheckRole(bad); !errors.As(err, &refused) || nearest != "" && refused.Nearest != nearest || refused.Text == "" {
			t.Errorf("%q: %v, want nearest %s", bad, err, nearest)
		}
	}
	for _, p := range []Procedure{Civil, Criminal, Administrative} {
		for _, r := range Roles(p) {
			if err := CheckRole(r); err != nil {
				t.Errorf("%s: %v", p, err)
			}
		}
	}
}
