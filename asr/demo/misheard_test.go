package demo

import (
	"testing"
)

func TestNeighbour(t *testing.T) {
	for _, c := range []struct{ in, want rune }{
		{'借', '介'}, {'啊', '阿'}, {'座', '坐'}, {'鑫', '某'}, {'A', '某'}, {'《', '某'},
	} {
		if got := neighbour(c.in); got != c.want {
			t.Errorf("%c becomes %c, want %c", c.in, got, c.want)
		}
	}
}
