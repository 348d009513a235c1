package compare

import "math"

// Sizes is a distribution of body sizes: spans, each as likely as its weight is
// of the sum.
type Sizes []Span

// Span is a range of sizes in bytes, both ends included, each doubling in it as
// likely as any other (log-uniform): in 1 KiB to 1 MiB, half of the sizes are below
// 32 KiB. Low is at least 1, High at least Low, Weight above 0.
type Span struct {
	Low, High int64
	Weight    float64
}

// draw returns the size that a uniform number of [0, 1) stands for.
func (s Sizes) draw(u float64) int64 {
	var sum float64
	for _, span := range s {
		sum += span.Weight
	}
	u *= sum
	for i, span := range s {
		if u < span.Weight || i == len(s)-1 {
			return span.at(min(u/span.Weight, 1))
		}
		u -= span.Weight
	}
	return 0
}

func (s Span) at(u float64) int64 {
	n := int64(math.Exp2(math.Log2(float64(s.Low)) + u*math.Log2(float64(s.High)/float64(s.Low))))
	return min(max(n, s.Low), s.High)
}
